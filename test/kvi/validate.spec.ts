import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError } from '../../lib/store/errors.js';
import {
  checkKey,
  checkSeconds,
  checkSignal,
  readArray,
  readFields,
  readRange,
} from '../../lib/kvi/validate.js';

function throwing(field: string): object {
  return Object.defineProperty({}, field, {
    enumerable: true,
    get: () => {
      throw new Error('secret');
    },
  });
}

function revoked<T extends object>(target: T): T {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
  throw new Error('was not refused');
}

const readTimeout = (given: unknown): { timeoutSec?: number } =>
  readFields<{ timeoutSec?: number }>('options', given, { timeoutSec: checkSeconds });

describe('options', () => {
  it('are looked at once: what is checked is what is used', () => {
    let looks = 0;
    const options = {
      get timeoutSec() {
        return looks++ === 0 ? 5 : -5;
      },
    };
    const read = readTimeout(options);
    expect([read.timeoutSec, read.timeoutSec, looks]).toEqual([5, 5, 1]);
  });

  it.each([
    ['a getter that throws', throwing('timeoutSec')],
    ['a proxy that was revoked', revoked({})],
  ])('that cannot be read are refused without what was thrown: %s', (_title, options) => {
    const message = refusal(() => readTimeout(options));
    expect(message).toMatch(/^options could not be read/);
    expect(message).not.toContain('secret');
  });

  it('may be inherited, and be given as undefined', () => {
    expect(readTimeout(Object.create({ timeoutSec: 5 }))).toEqual({ timeoutSec: 5 });
    expect('timeoutSec' in readTimeout({ timeoutSec: undefined })).toBe(true);
  });
});

describe('a range', () => {
  it('is a copy of what was given', () => {
    const given = { start: 'a', end: 'b' };
    const range = readRange('range', given);
    given.end = '';
    expect(range).toEqual({ start: 'a', end: 'b' });
  });

  it('that cannot be read is refused', () => {
    for (const range of [throwing('prefix'), throwing('start'), revoked({}), revoked([])]) {
      expect(refusal(() => readRange('range', range))).toMatch(/^range could not be read/);
    }
  });
});

describe('an array', () => {
  it('is a copy, holes included', () => {
    expect(readArray('list', 'an array', Object.assign([1], { 2: 3 }))).toEqual([1, undefined, 3]);
  });

  it('that is endless is refused at once', () => {
    expect(refusal(() => readArray('list', 'an array', Object.assign([], { length: 2 ** 32 - 1 })))).toMatch(
      /more than 1000/,
    );
  });
});

it('what only looks like a signal is none', () => {
  const likes = [Object.create(AbortSignal.prototype), revoked(new AbortController().signal)];
  for (const like of likes) expect(refusal(() => checkSignal('signal', like))).toMatch(/^signal must be/);
});

it('the kind of what cannot be looked at is told all the same', () => {
  expect(refusal(() => checkKey('key', revoked([])))).toMatch(/is an object/);
});
