import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import * as index from '../../../dist/esm/index.js';
import { openStore } from '../../../dist/esm/kvi/open-store.js';
import { parseEndpoint, resolveKviOptions } from '../../../dist/esm/kvi/options.js';
import { StoreKvi } from '../../../dist/esm/kvi/store-kvi.js';
import { FollowedValue } from '../../../dist/esm/nest/followed-value.js';
import { MarkerMembership } from '../../../dist/esm/nest/membership.js';
import { Dice } from '../../support/random.mjs';
import { CANARY, HostileValues } from './hostile-values.mjs';

// Calls every public function with arbitrary values, in a process of its own: what would end it, or never end, is seen.

const { HmEtcdError, HmEtcdModule, InvalidArgumentError, KviService } = index;
const PUBLIC = { ...index };

const { seed, rounds, endpoint } = JSON.parse(process.argv[2]);
const CALLS_A_ROUND = 60;
const ENDS_WITHIN_MS = 3000;
/** A call that may wait, as for a lock, is left waiting after so long, and must end when the handle closes. */
const LEFT_AFTER_MS = 6;

const dice = new Dice(seed);
const hostile = new HostileValues(dice);
const failures = [];
const counts = { all: 0, answered: 0, refused: 0 };
let doing = 'nothing';
let logged = [];

function fail(what, error) {
  failures.push(`${doing}: ${what}${error === undefined ? '' : ` ${inspected(error)}`}`);
}

function inspected(error) {
  try {
    return String(error?.stack ?? error).slice(0, 800);
  } catch {
    return `an unprintable ${typeof error}`;
  }
}

process.on('unhandledRejection', (error) => fail('unhandled rejection', error));
process.on('uncaughtException', (error) => fail('uncaught exception', error));

const logger = Object.fromEntries(
  ['debug', 'log', 'warn', 'error'].map((level) => [level, (message) => void logged.push(message)]),
);

/** Counts what the store is asked for on behalf of a call, by the call. */
const asking = new AsyncLocalStorage();
function counted(target) {
  return new Proxy(target, {
    get(_, verb) {
      const member = Reflect.get(target, verb, target);
      if (typeof member !== 'function') return member;
      return (...args) => {
        const asker = asking.getStore();
        if (asker !== undefined && verb !== 'writer') asker.asked.push(String(verb));
        const answer = Reflect.apply(member, target, args);
        return verb === 'writer' ? counted(answer) : answer;
      };
    },
  });
}

// What is right, to begin with.
const key = () => dice.pick(['a', 'b', '__proto__', 'constructor', 'é/\u{1F600}']);
const lockName = () => dice.pick(['lock a', 'lock b', '__proto__ lock', 'lock c']);
const value = () => dice.pick(['', 'x', '{"a":1}']);
const range = () => dice.pick([key(), { prefix: '' }, { prefix: key() }, { start: 'a', end: 'b' }]);
const signal = () => new AbortController().signal;
const operator = () => dice.pick(['=', '!=', '<', '>']);
const op = () => dice.pick([1, 2]);
const done = async () => {};
const lockOptions = () => ({
  timeoutSec: dice.pick([0, 0.005]),
  maxHoldSec: dice.pick([0.001, 5]),
  signal: signal(),
});
const txn = () => [key(), operator(), value(), key(), value(), key(), value()];

const WRITES = {
  store: () => [key(), value()],
  delete: () => [key()],
  tas: () => [key(), value(), value()],
  transaction: txn,
};

/** Each method with right arguments. */
const KVI = {
  ...WRITES,
  get: () => [key()],
  getRange: () => ['a', 'z'],
  getPrefix: () => [key()],
  scan: () => [range()],
  snapshot: () => [range()],
  createIfAbsent: () => [key(), value()],
  tempKey: () => [key()],
  watch: () => [key(), { signal: signal() }],
  watchWithCB: () => [key(), op(), hostile.callback(), 7],
  watchCBCancel: () => [{}],
  changes: () => [range(), { op: op(), prevValue: true, fromRevision: 1, signal: signal() }],
  observe: () => [range()],
  distLock: () => [{ signal: signal() }],
  distTimedLock: () => [0.005, { maxHoldSec: 5, signal: signal() }],
  distUnlock: () => [],
  lock: () => [lockName(), lockOptions()],
  withLock: () => [
    lockName(),
    { ...lockOptions(), minHoldSec: 0.001 },
    dice.pick([done, hostile.callback()]),
  ],
  lockInfo: () => [lockName()],
  health: () => [{ timeoutMs: 1000, watchesBehindMs: 0, signal: signal() }],
};

const MAY_WAIT = new Set([
  'watch',
  'changes',
  'lock',
  'withLock',
  'distLock',
  'distTimedLock',
  'sync',
  'next',
]);
/** Who hands on what the user's own function throws. */
const HANDS_ON = new Set(['withLock', 'forEach']);

/** What a message may name; the text of anything else is a value. */
const NAMED = new Set(['lockName', 'namespace', 'name', 'connection', 'id', 'prefix', 'start', 'end']);
const NAMED_ARGUMENTS = {
  store: [0],
  delete: [0],
  tas: [0],
  transaction: [0, 3, 5],
  createIfAbsent: [0],
  getRange: [0, 1],
};
const VALUES_ONLY = new Set(['open', 'forRoot']);

/** Spoils some of the arguments, or none: fields of options, too, and by values that turn when they are looked at twice. */
function spoil(name, args) {
  const named = (at) =>
    !VALUES_ONLY.has(name) && (NAMED_ARGUMENTS[name]?.includes(at) ?? !(name in NAMED_ARGUMENTS));
  const spoiled = args.map((arg, at) => {
    if (isPlain(arg) && dice.percent(60)) return spoilFields(arg);
    return dice.percent(35) ? hostile.any(named(at)) : arg;
  });
  if (dice.percent(5)) spoiled.push(hostile.any());
  if (dice.percent(8)) spoiled.length = dice.below(spoiled.length + 1);
  return spoiled;
}

function spoilFields(options) {
  const spoiled = { ...options };
  for (const field of Object.keys(spoiled)) {
    const isNamed = NAMED.has(field);
    const chance = dice.below(100);
    if (chance < 25)
      spoiled[field] = isPlain(spoiled[field]) ? spoilFields(spoiled[field]) : hostile.any(isNamed);
    else if (chance < 37) hostile.turning(spoiled, field, isNamed);
    else if (chance < 55) delete spoiled[field];
  }
  if (dice.percent(5)) spoiled.unknown = hostile.any();
  return dice.percent(5) ? Object.create(spoiled) : spoiled;
}

function isPlain(given) {
  try {
    return typeof given === 'object' && given !== null && Object.getPrototypeOf(given) === Object.prototype;
  } catch {
    return false;
  }
}

/** One call, to its end or to where it may wait. Answers what it answered, when it did. */
async function call(surface, name, invoke, args, waiting) {
  doing = `${surface}.${name}, call ${++counts.all}`;
  counts[`${surface}.${name}`] = (counts[`${surface}.${name}`] ?? 0) + 1;
  const mine = { asked: [], doing, surface, name };
  const ended = asking.run(mine, async () => {
    try {
      // What a foreign object answers may be something to wait for.
      return { answer: await invoke(...args) };
    } catch (error) {
      return { error };
    }
  });
  const judged = ended.then((end) =>
    'error' in end ? judge(mine, end.error, args) : (counts.answered++, end),
  );
  const limitMs = MAY_WAIT.has(name) ? LEFT_AFTER_MS : ENDS_WITHIN_MS;
  const end = await Promise.race([judged, delay(limitMs, 'late', { ref: false })]);
  if (end !== 'late') return end?.answer;
  if (MAY_WAIT.has(name)) waiting.push({ judged, doing: mine.doing });
  else fail(`did not end within ${ENDS_WITHIN_MS} ms`);
  return undefined;
}

function judge({ asked, doing: whose, surface, name }, error, args) {
  doing = whose;
  // A stream has the signal that `changes` was given.
  const mayHandOn = HANDS_ON.has(name) || surface === 'changes()' || args.some((arg) => holdsSignal(arg));
  if (hostile.thrown.has(error) && mayHandOn) return;
  if (HANDS_ON.has(name) && error instanceof TypeError && /Class constructor|revoked/.test(error.message))
    return;
  if (HANDS_ON.has(name) && error?.constructor?.name === 'ThrownByTrap') return;
  if (!isOurs(error)) return fail('ended with an error that is none of ours:', error);
  counts.refused++;
  counts[error.code] = (counts[error.code] ?? 0) + 1;
  // Where a decorator stands is named, whatever stands there.
  if (!surface.startsWith('decorat') && tells(error.message))
    fail('told a value:', error.message.slice(0, 200));
  if (
    error instanceof InvalidArgumentError &&
    asked.length > 0 &&
    !/was refused by etcd|path prefix of a lock/.test(error.message)
  )
    fail(`asked the store for ${asked} before it was refused:`, error);
}

function isOurs(error) {
  try {
    return (
      error instanceof HmEtcdError && typeof error.code === 'string' && typeof error.message === 'string'
    );
  } catch {
    return false;
  }
}

function holdsSignal(given) {
  try {
    return given?.signal !== undefined;
  } catch {
    return false;
  }
}

function tells(text) {
  return typeof text !== 'string' || text.includes(CANARY);
}

/** The functions of an object, also those that its classes give it. */
function functionsOf(object) {
  const names = new Set();
  for (let of = object; of !== null && of !== Object.prototype; of = Object.getPrototypeOf(of)) {
    for (const name of Reflect.ownKeys(of)) {
      const { value: member } = Object.getOwnPropertyDescriptor(of, name);
      if (typeof member === 'function' && name !== 'constructor') names.add(name);
    }
  }
  return [...names];
}

const known = new Map();

/** Fails for a function that is offered and never called here. */
function covers(surface, object, calls) {
  if (known.has(surface)) return;
  known.set(surface, calls);
  const missing = functionsOf(object).filter((name) => !(name in calls));
  if (missing.length > 0)
    fail(`${surface} has functions that are not tried: ${missing.map(String).join(', ')}`);
}

const asyncDispose = Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose');

const LOCK = { assertHeld: () => [], release: () => [], [asyncDispose]: () => [] };
const VIEW = {
  get: () => [key()],
  has: () => [key()],
  keys: () => [],
  values: () => [],
  entries: () => [],
  [Symbol.iterator]: () => [],
  forEach: () => [() => {}, {}],
  onChange: () => [hostile.callback()],
  sync: () => [{ signal: signal() }],
  close: () => [],
  [asyncDispose]: () => [],
};
/** What the view is led by, which its interface does not show. */
const LED = { open: () => [], advance: () => [], become: () => [], equals: () => [] };
const MEMBERSHIP = {
  onJoined: () => [hostile.callback()],
  onLeft: () => [hostile.callback()],
  sync: () => [{ signal: signal() }],
  close: () => [],
  [asyncDispose]: () => [],
};
const STREAM = { next: () => [], return: () => [], [Symbol.asyncIterator]: () => [] };

async function tryMethod(surface, object, calls, waiting, except = {}) {
  covers(surface, object, { ...calls, ...except });
  const name = dice.pick(Reflect.ownKeys(calls));
  const args = spoil(name, calls[name]());
  return call(
    surface,
    String(name),
    (...given) => object[name](...(name === 'forEach' ? given.map(quiet) : given)),
    args,
    waiting,
  );
}

/** As with a Map, what a promise of the callback becomes is its own affair. */
function quiet(given) {
  if (typeof given !== 'function') return given;
  return (...args) => void (async () => given(...args))().catch(() => {});
}

/** Goes on with what a call has answered. */
async function tryAnswer(name, answer, waiting, handles) {
  if (name === 'watchWithCB' && answer !== undefined) handles.push(answer);
  if (name === 'lock' && answer !== undefined) {
    await tryMethod('HeldLock', answer, LOCK, waiting, { name: 0, key: 0 });
    await tryMethod('FencedWrites', answer.kv, WRITES, waiting);
  }
  if (name === 'observe' && answer !== undefined) {
    for (let times = 0; times < 3; times++) await tryMethod('LiveView', answer, VIEW, waiting, LED);
  }
  if (name === 'changes' && answer !== undefined) {
    await tryMethod('changes()', answer, STREAM, waiting, { open: 0 });
    await answer.return();
  }
  if (name === 'scan' && answer !== undefined)
    await call('scan()', 'next', () => drained(answer), [], waiting);
}

async function drained(pairs) {
  let count = 0;
  for await (const _ of pairs) count++;
  return count;
}

/** A handle, and a service as Nest would inject it, on a store of their own. */
async function tryHandle(round) {
  const options = resolveKviOptions({
    logger,
    shutdownTimeoutMs: 20,
    requestTimeoutMs: 1000,
    lockName: 'lock default',
  });
  const place = endpoint === 'mem:' ? `mem:hostile ${seed} ${round}` : endpoint;
  const store = counted(await openStore(parseEndpoint('endpoint', place), options));
  const kvi = new StoreKvi(store, options);
  const instance = { prefix: 'instances/', id: 'me' };
  const service = new KviService(kvi, settings(instance));
  covers('Kvi', kvi, { ...KVI, close: 0 });
  covers('KviService', service, { ...KVI, close: 0, instances: 0, membership: 0, instancePrefix: 0 });
  const waiting = [];
  const handles = [];
  for (let calls = 0; calls < CALLS_A_ROUND; calls++) {
    const name = dice.pick(Object.keys(KVI));
    const args = spoil(name, KVI[name]());
    if (name === 'watchCBCancel' && handles.length > 0 && dice.percent(60))
      args[0] = disguised(dice.pick(handles));
    const on = dice.percent(50) ? kvi : service;
    const answer = await call('Kvi', name, (...given) => on[name](...given), args, waiting);
    await tryAnswer(name, answer, waiting, handles);
  }
  doing = `the views of round ${round}`;
  const membership = new MarkerMembership('instances/', await kvi.observe({ prefix: 'instances/' }), logger);
  for (let times = 0; times < 4; times++)
    await tryMethod('Membership', membership, MEMBERSHIP, waiting, { take: 0, read: 0 });
  const followed = { key: 'a', owner: 'X', parse: hostile.callback(), fallback: { value: 1 } };
  const live = new FollowedValue(followed, await kvi.observe('a'), logger);
  for (let times = 0; times < 4; times++) {
    await tryMethod(
      'LiveValue',
      live,
      { onChange: MEMBERSHIP.onJoined, sync: MEMBERSHIP.sync },
      waiting,
      LIVE_VALUE,
    );
  }
  await kvi.store('a', `changed ${CANARY}`).catch((error) => fail('the handle is of no more use:', error));
  await kvi.store('instances/me', `changed ${CANARY}`);
  await closed(kvi, waiting);
}

const LIVE_VALUE = { first: 0, take: 0, takeDeletion: 0, become: 0 };

function settings(instance) {
  return { name: undefined, instance, lockName: 'lock default', shutdownTimeoutMs: 20, logger };
}

/** The handle itself, or something that looks like it. */
function disguised(handle) {
  return dice.pick([
    handle,
    Object.create(Object.getPrototypeOf(handle)),
    { ...handle },
    new Proxy(handle, {}),
  ]);
}

async function closed(kvi, waiting) {
  doing = `close, with ${waiting.length} calls waiting`;
  const closing = kvi.close().then(
    () => 'closed',
    (error) => error,
  );
  const end = await Promise.race([closing, delay(ENDS_WITHIN_MS, 'late', { ref: false })]);
  if (end !== 'closed') fail('close() did not end well:', end);
  for (const { judged, doing: whose } of waiting) {
    const late = await Promise.race([judged, delay(1000, 'late', { ref: false })]);
    doing = whose;
    if (late === 'late') fail('is still waiting after close()');
  }
}

const KVI_OPTIONS = () => ({
  namespace: 'n/',
  tls: { ca: 'ca', cert: 'cert', key: 'key' },
  auth: { username: 'u', password: 'p' },
  connectTimeoutMs: dice.pick([1, 60]),
  requestTimeoutMs: 60,
  retryableWrites: true,
  sessionTtlSec: 5,
  shutdownTimeoutMs: 0,
  lockName: 'l',
  logger: { debug() {}, log() {}, warn() {}, error() {} },
});
/** Nobody answers there: how long to try is not left to chance. */
const SILENT = () =>
  dice.pick(['http://127.0.0.1:1', ['http://127.0.0.1:1'], 'https://127.0.0.1:1', 'https://127.0.0.1:1']);
const MODULE_OPTIONS = () => ({
  ...KVI_OPTIONS(),
  endpoint: 'mem:hostile',
  instance: { prefix: 'i/', id: 'me' },
  name: 'n',
  isGlobal: true,
});
class Factory {
  createHmEtcdOptions() {
    return 'mem:hostile';
  }
}
const ASYNC_OPTIONS = () => ({
  name: 'n',
  isGlobal: false,
  imports: [],
  inject: [],
  ...dice.pick([{ useFactory: () => 'mem:' }, { useClass: Factory }, { useExisting: 'token' }]),
});
const ELECTION = () => [lockName(), { connection: 'c' }];

/** Each export that is a function; a class that is no error by its static functions. */
const EXPORTS = {
  open: () => ['mem:hostile', KVI_OPTIONS()],
  currentLock: () => [],
  getKviToken: () => ['n'],
  InjectKvi: () => ['n'],
  DistLocked: () =>
    dice.pick([
      [
        1,
        {
          name: lockName(),
          minHoldSec: 1,
          maxHoldSec: 2,
          onTimeout: 'skip',
          onLost: 'ignore',
          connection: 'c',
        },
      ],
      [{ timeoutSec: 1, name: hostile.callback(), minHoldSec: 1, onTimeout: 'throw', connection: 'c' }],
    ]),
  FromKey: () => [key(), { parse: hostile.callback(), default: 7, connection: 'c' }],
  OnKeyChange: () => [range(), op(), { initial: true, prevValue: true, onError: done, connection: 'c' }],
  OnElected: ELECTION,
  OnDeposed: ELECTION,
};
const MODULE = { forRoot: () => [MODULE_OPTIONS()], forRootAsync: () => [ASYNC_OPTIONS()] };

const isError = (exported) => exported === HmEtcdError || exported.prototype instanceof HmEtcdError;

function coversExports() {
  const functions = Object.entries(index).filter(
    ([, exported]) => typeof exported === 'function' && !isError(exported),
  );
  const missing = functions.filter(
    ([name]) => !(name in EXPORTS) && name !== 'HmEtcdModule' && name !== 'KviService',
  );
  doing = 'the exports';
  if (missing.length > 0) fail(`are not all tried: ${missing.map(([name]) => name).join(', ')}`);
  const statics = Object.getOwnPropertyNames(HmEtcdModule).filter(
    (name) => typeof HmEtcdModule[name] === 'function',
  );
  if (statics.some((name) => !(name in MODULE)))
    fail(`HmEtcdModule has functions that are not tried: ${statics.join(', ')}`);
}

async function tryExports() {
  const waiting = [];
  const name = dice.pick(Object.keys(EXPORTS));
  const made = await call('index', name, PUBLIC[name], spoil(name, EXPORTS[name]()), waiting);
  if (name === 'open') {
    if (made !== undefined) await closed(made, waiting);
    await trySilent();
  } else if (typeof made === 'function' && name !== 'getKviToken') await tryDecorator(name, made, waiting);
}

async function trySilent() {
  const { tls, auth } = KVI_OPTIONS();
  const options = { ...spoilFields({ tls, auth }), connectTimeoutMs: 60 };
  await call('index', 'open', index.open, [SILENT(), options], []);
}

const NO_OBJECTS = [undefined, null, 7, 'x', {}, Object.create(null), []];

/** Puts a decorator on a method as a compiler would, or on something else. */
async function tryDecorator(name, decorator, waiting) {
  class Decorated {
    async method() {}
  }
  const descriptor = Object.getOwnPropertyDescriptor(Decorated.prototype, 'method');
  const property = name === 'FromKey' || name === 'InjectKvi';
  const place = property
    ? [Decorated.prototype, 'property', undefined]
    : [Decorated.prototype, 'method', descriptor];
  await call('decorator', name, decorator, dice.percent(30) ? place : spoil(name, place), waiting);
  if (name !== 'DistLocked' || typeof descriptor.value !== 'function') return;
  await call(
    'decorated',
    name,
    (self, ...args) => Reflect.apply(descriptor.value, self, args),
    [dice.pick(NO_OBJECTS)],
    waiting,
  );
}

/** A module as an application would import it. What its factory answers is checked when the application starts. */
async function tryModule() {
  const waiting = [];
  const name = dice.pick(Object.keys(MODULE));
  const module = await call(
    'HmEtcdModule',
    name,
    (...given) => HmEtcdModule[name](...given),
    spoil(name, MODULE[name]()),
    waiting,
  );
  if (module !== undefined)
    await call('HmEtcdModule', 'providers', () => [module.providers, module.exports], [], waiting);
  const answer = dice.percent(30) ? hostile.any() : spoilFields(MODULE_OPTIONS());
  if (!isTakenByNest(answer)) return;
  const root = dice.pick([{ useFactory: () => answer }, { useClass: factoryOf(answer) }]);
  await call('HmEtcdModule', 'the start', () => started(root), [], waiting);
}

/** Nest itself awaits what a factory answers, and looks at its class. */
function isTakenByNest(given) {
  try {
    return typeof given?.then !== 'function' && given?.constructor !== null;
  } catch {
    return false;
  }
}

function factoryOf(answer) {
  if (dice.percent(20))
    return class NoFactory {
      method() {}
    };
  return class AnyFactory {
    createHmEtcdOptions() {
      return answer;
    }
  };
}

class Root {
  method() {}
}

async function started(options) {
  const root = { module: Root, imports: [HmEtcdModule.forRootAsync(options)] };
  const application = await NestFactory.createApplicationContext(root, {
    logger: false,
    abortOnError: false,
  });
  await application.close();
}

async function run() {
  coversExports();
  for (let round = 0; round < rounds; round++) {
    process.send?.({ round });
    await tryHandle(round);
    for (let times = 0; times < 40; times++) await tryExports();
    for (let times = 0; times < 6; times++) await tryModule();
    hostile.thrown.clear();
    doing = `the log of round ${round}`;
    const told = logged.filter(tells);
    if (told.length > 0) fail(`holds a value: ${String(told[0]).slice(0, 300)}`);
    logged = [];
  }
}

console.debug = console.log = console.warn = console.error = (message) => void logged.push(message);
// What waits here must not let the process end.
const staying = setInterval(() => {}, 1000);
await run().catch((error) => fail('the test itself failed:', error));
await delay(50);
clearInterval(staying);
if (process.send === undefined)
  process.stdout.write(`${JSON.stringify({ counts, failures }, undefined, 1)}\n`);
else process.send({ counts, failures }, () => process.disconnect());
process.exitCode = failures.length === 0 ? 0 : 1;
