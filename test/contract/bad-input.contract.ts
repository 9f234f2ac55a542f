import { describe, expect, it } from '@jest/globals';
import { DELETE, KeyChangeOp, PUT } from '../../lib/kvi/key-change.js';
import type { Kvi } from '../../lib/kvi/kvi.js';
import { open } from '../../lib/kvi/open.js';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import { allKeys, type Fixture } from './backend.js';

/** The compiler would refuse all of this; JavaScript and JSON do not. */
type Loose = { [Method in keyof Kvi]: (...args: unknown[]) => unknown };

const NOT_KEYS = ['', undefined, null, 7, {}, ['a'], Symbol('key'), 'a\uD800', '\uDC00', '\0hmetcd/x'];
const NOT_VALUES = [undefined, null, 7, {}, Buffer.from('x'), 'a\uD800'];
const NOT_OPERATORS = ['==', '<=', '', undefined, null, 0, 'eq'];
const NOT_CHANGE_OPS = [KeyChangeOp.INVAL, 3, -1, '1', null, undefined, NaN];
const NOT_SECONDS = [-1, NaN, Infinity, -Infinity, '5', null, {}];
const NOT_SIGNALS = [null, {}, 'abort', new AbortController()];
const NOT_RANGES = ['', null, undefined, 7, [], {}, { prefix: 7 }, { prefix: '\uD800' }, { start: 'a' }];
const NOT_RANGES_EITHER = [
  { end: 'a' },
  { start: '', end: 'a' },
  { start: 'a', end: 7 },
  { prefix: 'a', end: 'b' },
];
const NOT_REVISIONS = [0, -1, 1.5, NaN, Infinity, '1', null, 2 ** 53];
const NOT_FUNCTIONS = [undefined, null, 'fn', {}];
const fn = async (): Promise<void> => {};

/** Method, the argument that must be named, the values it may not have, and the call. */
const CASES: [keyof Kvi, string, unknown[], (kvi: Loose, wrong: unknown) => unknown][] = [
  ['get', 'key', NOT_KEYS, (kvi, wrong) => kvi.get(wrong)],
  ['getRange', 'keyStart', NOT_KEYS, (kvi, wrong) => kvi.getRange(wrong, 'z')],
  ['getRange', 'keyEnd', NOT_KEYS, (kvi, wrong) => kvi.getRange('a', wrong)],
  ['getPrefix', 'prefix', [undefined, null, 7, '\uD800', '\0hmetcd/'], (kvi, wrong) => kvi.getPrefix(wrong)],
  ['scan', 'range', [...NOT_RANGES, ...NOT_RANGES_EITHER], (kvi, wrong) => kvi.scan(wrong)],
  ['snapshot', 'range', [...NOT_RANGES, ...NOT_RANGES_EITHER], (kvi, wrong) => kvi.snapshot(wrong)],
  ['store', 'key', NOT_KEYS, (kvi, wrong) => kvi.store(wrong, 'v')],
  ['store', 'value', NOT_VALUES, (kvi, wrong) => kvi.store('k', wrong)],
  ['delete', 'key', NOT_KEYS, (kvi, wrong) => kvi.delete(wrong)],
  ['transaction', 'key', NOT_KEYS, (kvi, wrong) => kvi.transaction(wrong, '=', 'v', 'k', 'v')],
  ['transaction', 'op', NOT_OPERATORS, (kvi, wrong) => kvi.transaction('k', wrong, 'v', 'k', 'v')],
  ['transaction', 'value', NOT_VALUES, (kvi, wrong) => kvi.transaction('k', '=', wrong, 'k', 'v')],
  ['transaction', 'thenKey', NOT_KEYS, (kvi, wrong) => kvi.transaction('k', '=', 'v', wrong, 'v')],
  ['transaction', 'thenValue', NOT_VALUES, (kvi, wrong) => kvi.transaction('k', '=', 'v', 'k', wrong)],
  ['transaction', 'elseKey', NOT_KEYS, (kvi, wrong) => kvi.transaction('k', '=', 'v', 'k', 'v', wrong, 'v')],
  [
    'transaction',
    'elseValue',
    NOT_VALUES,
    (kvi, wrong) => kvi.transaction('k', '=', 'v', 'k', 'v', 'k', wrong),
  ],
  ['tas', 'key', NOT_KEYS, (kvi, wrong) => kvi.tas(wrong, 'a', 'b')],
  ['tas', 'testValue', NOT_VALUES, (kvi, wrong) => kvi.tas('k', wrong, 'b')],
  ['tas', 'setValue', NOT_VALUES, (kvi, wrong) => kvi.tas('k', 'a', wrong)],
  ['createIfAbsent', 'key', NOT_KEYS, (kvi, wrong) => kvi.createIfAbsent(wrong, 'v')],
  ['createIfAbsent', 'value', NOT_VALUES, (kvi, wrong) => kvi.createIfAbsent('k', wrong)],
  ['tempKey', 'key', NOT_KEYS, (kvi, wrong) => kvi.tempKey(wrong)],
  ['watch', 'key', NOT_KEYS, (kvi, wrong) => kvi.watch(wrong)],
  ['watch', 'options.signal', NOT_SIGNALS, (kvi, wrong) => kvi.watch('k', { signal: wrong })],
  ['watchWithCB', 'key', NOT_KEYS, (kvi, wrong) => kvi.watchWithCB(wrong, PUT, fn)],
  ['watchWithCB', 'op', NOT_CHANGE_OPS, (kvi, wrong) => kvi.watchWithCB('k', wrong, fn)],
  ['watchWithCB', 'callback', NOT_FUNCTIONS, (kvi, wrong) => kvi.watchWithCB('k', DELETE, wrong)],
  ['watchCBCancel', 'handle', [undefined, null, {}, 7], (kvi, wrong) => kvi.watchCBCancel(wrong)],
  ['changes', 'range', [...NOT_RANGES, ...NOT_RANGES_EITHER], (kvi, wrong) => kvi.changes(wrong)],
  ['observe', 'range', [...NOT_RANGES, ...NOT_RANGES_EITHER], (kvi, wrong) => kvi.observe(wrong)],
  ['observe', 'range', [{ start: 'b', end: 'a' }], (kvi, wrong) => kvi.observe(wrong)],
  ['changes', 'range', [{ start: 'b', end: 'a' }], (kvi, wrong) => kvi.changes(wrong)],
  [
    'changes',
    'options.op',
    NOT_CHANGE_OPS.filter((op) => op !== undefined),
    (kvi, op) => kvi.changes('k', { op }),
  ],
  ['changes', 'options.prevValue', [1, 'yes', null], (kvi, prevValue) => kvi.changes('k', { prevValue })],
  [
    'changes',
    'options.fromRevision',
    NOT_REVISIONS,
    (kvi, fromRevision) => kvi.changes('k', { fromRevision }),
  ],
  ['changes', 'options.signal', NOT_SIGNALS, (kvi, signal) => kvi.changes('k', { signal })],
  ['distLock', 'options.signal', NOT_SIGNALS, (kvi, signal) => kvi.distLock({ signal })],
  ['distTimedLock', 'timeoutSec', [...NOT_SECONDS, undefined], (kvi, wrong) => kvi.distTimedLock(wrong)],
  [
    'distTimedLock',
    'options.maxHoldSec',
    [...NOT_SECONDS, 0],
    (kvi, maxHoldSec) => kvi.distTimedLock(0, { maxHoldSec }),
  ],
  ['distTimedLock', 'options.signal', NOT_SIGNALS, (kvi, signal) => kvi.distTimedLock(0, { signal })],
  ['lock', 'name', NOT_KEYS.filter((name) => name !== undefined), (kvi, wrong) => kvi.lock(wrong)],
  ['lock', 'options.timeoutSec', NOT_SECONDS, (kvi, timeoutSec) => kvi.lock('l', { timeoutSec })],
  ['lock', 'options.maxHoldSec', [...NOT_SECONDS, 0], (kvi, maxHoldSec) => kvi.lock('l', { maxHoldSec })],
  ['lock', 'options.minHoldSec', [1, 0], (kvi, minHoldSec) => kvi.lock('l', { minHoldSec })],
  ['lock', 'options.signal', NOT_SIGNALS, (kvi, signal) => kvi.lock('l', { signal })],
  ['lockInfo', 'name', NOT_KEYS.filter((name) => name !== undefined), (kvi, wrong) => kvi.lockInfo(wrong)],
  ['withLock', 'name', NOT_KEYS, (kvi, wrong) => kvi.withLock(wrong, {}, fn)],
  ['withLock', 'options', [null, 5, 'x', undefined, []], (kvi, wrong) => kvi.withLock('l', wrong, fn)],
  ['withLock', 'options.timeoutSec', NOT_SECONDS, (kvi, timeoutSec) => kvi.withLock('l', { timeoutSec }, fn)],
  [
    'withLock',
    'options.minHoldSec',
    [...NOT_SECONDS, 0],
    (kvi, minHoldSec) => kvi.withLock('l', { minHoldSec }, fn),
  ],
  ['withLock', 'fn', NOT_FUNCTIONS, (kvi, wrong) => kvi.withLock('l', {}, wrong)],
];

const WITH_OPTIONS: [keyof Kvi, (kvi: Loose, options: unknown) => unknown][] = [
  ['watch', (kvi, options) => kvi.watch('k', options)],
  ['changes', (kvi, options) => kvi.changes('k', options)],
  ['distLock', (kvi, options) => kvi.distLock(options)],
  ['distTimedLock', (kvi, options) => kvi.distTimedLock(0, options)],
  ['lock', (kvi, options) => kvi.lock('l', options)],
  ['withLock', (kvi, options) => kvi.withLock('l', options, fn)],
];

async function refusal(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

export function badInputContract(fixture: Fixture): void {
  it.each(CASES)(
    '%s refuses a wrong %s by name, and sends nothing',
    async (_method, argument, wrongs, call) => {
      const kvi = (await fixture.open()) as unknown as Loose;
      for (const wrong of wrongs) {
        const { message } = await refusal(() => call(kvi, wrong));
        expect(message.split(' ')[0]).toContain(argument);
      }
      expect(await allKeys(fixture.foreign)).toEqual([]);
    },
  );

  it('whatever answers by a promise also refuses by one', async () => {
    const kvi = (await fixture.open()) as unknown as Loose;
    const byPromise = CASES.filter(([method]) => method !== 'scan' && method !== 'changes');
    const answers = byPromise.map(([, , wrongs, call]) => call(kvi, wrongs[0]));
    expect(await Promise.allSettled(answers)).toEqual(
      byPromise.map(() => ({ status: 'rejected', reason: expect.any(InvalidArgumentError) })),
    );
  });

  it.each(WITH_OPTIONS)('%s refuses an unknown option by name', async (_method, call) => {
    const kvi = (await fixture.open()) as unknown as Loose;
    expect((await refusal(() => call(kvi, { retries: 3 }))).message).toMatch(/^options\.retries .*signal/);
    expect((await refusal(() => call(kvi, 'fast'))).message).toMatch(/^options must be an object/);
    expect(await allKeys(fixture.foreign)).toEqual([]);
  });

  it('a minHoldSec above maxHoldSec is refused, and both are named', async () => {
    const kvi = await fixture.open();
    const { message } = await refusal(() => kvi.withLock('l', { minHoldSec: 3.1, maxHoldSec: 3 }, fn));
    expect(message).toMatch(/^options\.minHoldSec .*options\.maxHoldSec.* 3\.1 .* 3\./);
    expect(await allKeys(fixture.foreign)).toEqual([]);
    await kvi.withLock('l', { minHoldSec: 0.01, maxHoldSec: 0.01 }, fn);
  });

  it('an elseValue without an elseKey is refused', async () => {
    const kvi = await fixture.open();
    const { message } = await refusal(() => kvi.transaction('k', '=', 'v', 'k', 'v', undefined, 'v'));
    expect(message).toMatch(/^elseKey /);
  });

  describe('open', () => {
    it.each([
      '',
      'mem',
      'http://',
      'https://',
      'ftp://x',
      'localhost:2379',
      'http://h:99999',
      'mem:,http://h',
      ',',
    ])('refuses the endpoint %j', async (endpoint) => {
      expect((await refusal(() => open(endpoint))).message).toMatch(/^endpoint must be/);
    });

    it.each([undefined, null, 7, {}, [], [7], ['http://h', 'mem:']])(
      'refuses the endpoint %j',
      async (endpoint) => {
        expect((await refusal(() => open(endpoint as string))).message).toMatch(/^endpoint must be/);
      },
    );

    it('keeps what the endpoint holds out of the message', async () => {
      const { message } = await refusal(() => open('http://root:secret@h:2379'));
      expect(message).not.toContain('secret');
      expect(message).toContain('options.auth');
    });

    it.each([
      ['namespace', [7, null, '\uD800', '\0hmetcd/']],
      ['tls', [7, null, 'pem', { ca: 7 }, { cert: 'pem' }, { key: 'pem' }, { pfx: 'x' }]],
      [
        'auth',
        [7, null, {}, { username: 'u' }, { username: '', password: 'p' }, { username: 'u', password: 7 }],
      ],
      ['connectTimeoutMs', [0, -1, NaN, Infinity, '5', null]],
      ['requestTimeoutMs', [0, -1, NaN, Infinity, '5', null]],
      ['sessionTtlSec', [0, 1, 2.5, -1, NaN, Infinity, '5', null]],
      ['shutdownTimeoutMs', [-1, NaN, Infinity, '5', null]],
      ['lockName', ['', 7, null, '\uD800']],
      ['logger', [null, 7, {}, { log: 7 }, { log: fn }]],
      ['retries', [3]],
    ] as [string, unknown[]][])('refuses a wrong options.%s by name', async (option, wrongs) => {
      for (const wrong of wrongs) {
        const { message } = await refusal(() => open('mem:bad-input', { [option]: wrong }));
        expect(message.split(' ')[0]).toContain(`options.${option}`);
      }
    });

    it.each([null, 7, 'x', []])('refuses options that are %j', async (options) => {
      expect((await refusal(() => open('mem:', options as never))).message).toMatch(
        /^options must be an object/,
      );
    });
  });
}
