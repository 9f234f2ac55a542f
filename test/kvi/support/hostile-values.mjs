import { Buffer } from 'node:buffer';

/** Stands in whatever is a value, and so in no message and no log line. */
export const CANARY = 'canary-5eb63bbbe01e';

/** What a callback of the generator throws: those who hand on what a callback throws may throw it. */
export class ThrownByCallback extends Error {
  constructor() {
    super(CANARY);
  }
}

/** What is thrown out of an object that is only looked at. */
class ThrownByTrap extends Error {
  constructor() {
    super(CANARY);
  }
}

const MEGABYTE = CANARY.repeat(55_000);

function trap() {
  throw new ThrownByTrap();
}

const ALL_TRAPS = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function rejected() {
  const promise = Promise.reject(new Error(CANARY));
  promise.catch(() => {});
  return promise;
}

function withGetter(field, get) {
  return Object.defineProperty({}, field, { get, enumerable: true });
}

function thenable(then) {
  return Object.assign(Object.create(null), { [['th', 'en'].join('')]: then });
}

/** An error that cannot be printed. */
function unprintable(field, value) {
  return Object.defineProperty(
    new Error(CANARY),
    field,
    typeof value === 'function' ? { get: value } : { value },
  );
}

const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  NaN,
  Infinity,
  -Infinity,
  2 ** 53,
  2 ** 53 - 1,
  2 ** 31,
  1e308,
  5e-324,
  10n,
  -1n,
];

const OBJECTS = [
  () => ({}),
  () => ({ value: CANARY }),
  () => Object.create(null),
  () => Object.freeze({ a: CANARY }),
  () => JSON.parse(`{"__proto__":{"timeoutSec":-1,"prefix":"${CANARY}"},"constructor":"${CANARY}"}`),
  () => Object.create({ timeoutSec: CANARY, signal: CANARY, prefix: 7, parse: CANARY, name: 7 }),
  () => new Proxy({}, ALL_TRAPS),
  () => new Proxy([], ALL_TRAPS),
  () => revoked({}),
  () => revoked([]),
  () => withGetter('signal', trap),
  () => withGetter('prefix', trap),
  () => withGetter('start', trap),
  () => withGetter('then', trap),
  () => withGetter('~standard', trap),
  () => withGetter('name', trap),
  () => withGetter('constructor', trap),
  () => ({
    toString: trap,
    valueOf: trap,
    toJSON: trap,
    [Symbol.toPrimitive]: trap,
    [Symbol.iterator]: trap,
  }),
  () => ({ toString: () => CANARY, valueOf: () => CANARY, [Symbol.toPrimitive]: () => CANARY }),
  () => withGetter(Symbol.toStringTag, trap),
  () => [],
  () => [CANARY],
  () => [undefined, Symbol(CANARY)],
  () => Array.from({ length: 7 }),
  () => Object.assign([], { length: 2 ** 32 - 1 }),
  () => Object.assign([CANARY], { flatMap: trap, map: trap, find: trap, [Symbol.iterator]: trap }),
  () => Object.defineProperty(['a'], 0, { get: trap }),
  () => ({ length: 2 ** 53 - 1, 0: CANARY }),
  () => new Date(),
  () => new Date(NaN),
  () => Buffer.from(CANARY),
  () => new Uint8Array(3),
  () => Object.create(Uint8Array.prototype),
  () => new Map([[CANARY, CANARY]]),
  () => new Set([CANARY]),
  () => /x/g,
  () => Object(CANARY),
  () => Object(Symbol(CANARY)),
  () => Object(7n),
  () => new Error(CANARY),
  () => globalThis,
  () => Promise.resolve(CANARY),
  rejected,
  () => new Promise(() => {}),
  () => thenable(trap),
  () => thenable((resolve) => resolve(CANARY)),
];

const ERRORS = [
  () => new ThrownByCallback(),
  () => CANARY,
  () => Symbol(CANARY),
  () => undefined,
  () => null,
  () => new Proxy(new Error(CANARY), ALL_TRAPS),
  () => revoked(new Error(CANARY)),
  () => Object.create(Error.prototype),
  () => unprintable('message', trap),
  () => unprintable('stack', trap),
  () => unprintable('stack', 7),
  () => unprintable('stack', Symbol(CANARY)),
  () => unprintable('message', Symbol(CANARY)),
  () => unprintable('name', trap),
  () => unprintable('name', Symbol(CANARY)),
  () => unprintable('name', CANARY),
];

/** Arbitrary values, and arguments that are almost right. */
export class HostileValues {
  #dice;
  /** What callbacks threw since the last `forget`; what signals had as their reason. */
  thrown = new Set();

  constructor(dice) {
    this.#dice = dice;
  }

  /** @param isNamed what a message may name, such as a key, has no canary as a text */
  any(isNamed = false) {
    const kind = this.#dice.below(100);
    if (kind < 12) return this.#dice.pick(NUMBERS);
    if (kind < 24) return this.text(isNamed);
    if (kind < 30) return this.#dice.pick([undefined, null, true, false, Symbol(isNamed ? 'named' : CANARY)]);
    if (kind < 45) return this.callback();
    if (kind < 58) return this.signal();
    return this.#dice.pick(OBJECTS)();
  }

  text(isNamed) {
    const odd = [
      '',
      'a\uD800',
      '\uDC00b',
      '\0',
      '\0hmetcd/x',
      '\0hmetcd',
      '__proto__',
      'constructor',
      '\u{10ffff}',
      '/',
    ];
    const long = isNamed ? ['x'.repeat(1_000_000)] : [CANARY, `http://u:${CANARY}@h`, `mem:x,${CANARY}`];
    if (this.#dice.percent(4)) return isNamed ? long[0] : MEGABYTE;
    return this.#dice.pick([...odd, ...(isNamed ? [] : long)]);
  }

  /** A function that ends, in whatever way. */
  callback() {
    const fail = () => {
      const error = this.#dice.pick(ERRORS)();
      this.thrown.add(error);
      return error;
    };
    const answer = () =>
      this.#dice.pick([undefined, false, CANARY, 7n, {}, [], thenable((resolve) => resolve(CANARY))]);
    const callbacks = [
      () => {
        throw fail();
      },
      async () => {
        throw fail();
      },
      async () => answer(),
      () => answer(),
      function* () {
        yield CANARY;
      },
      this.#nameless(Symbol(CANARY)),
      this.#nameless({ toString: trap }),
      Object.defineProperty(() => answer(), 'name', { get: trap }),
      Object.defineProperty(() => answer(), 'length', { value: CANARY }),
    ];
    const uncallable = [
      class {
        static name = Symbol(CANARY);
        method() {}
      },
      class Hostile {
        method() {}
      },
      revoked(() => {}),
      new Proxy(() => {}, ALL_TRAPS),
    ];
    return this.#dice.percent(15) ? this.#dice.pick(uncallable) : this.#dice.pick(callbacks);
  }

  signal() {
    const aborted = () => {
      const reason = this.#dice.pick(ERRORS)();
      const signal = AbortSignal.abort(reason);
      this.thrown.add(signal.reason);
      return signal;
    };
    return this.#dice.pick([
      aborted,
      aborted,
      () => new AbortController().signal,
      () => new AbortController(),
      () => Object.create(AbortSignal.prototype),
      () => ({ aborted: false, addEventListener: trap, removeEventListener: trap, reason: CANARY }),
      () => new Proxy(new AbortController().signal, ALL_TRAPS),
      () => revoked(new AbortController().signal),
      () => new EventTarget(),
    ])();
  }

  /** A value that is right when it is first looked at, and another afterwards. */
  turning(object, field, isNamed) {
    let looks = 0;
    const good = object[field];
    const get = () => (looks++ === 0 ? good : this.any(isNamed));
    return Object.defineProperty(object, field, { get, enumerable: true, configurable: true });
  }

  #nameless(name) {
    return Object.defineProperty(() => undefined, 'name', { value: name });
  }
}
