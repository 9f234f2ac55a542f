import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { FromKey, InvalidArgumentError, type LiveValue } from '../../lib/index.js';
import { NOT_INJECTED } from '../../lib/nest/hmetcd.messages.js';
import { refusalOf } from './support/refusal.js';

type LooseDecorator = (target: object, key?: string | symbol, place?: unknown) => void;
/** Without its types, as JavaScript calls it. */
const loosely = FromKey as (...args: unknown[]) => LooseDecorator;

describe('the arguments of @FromKey', () => {
  it.each<[string, unknown[]]>([
    ['key', []],
    ['key', ['']],
    ['key', [1]],
    ['key', [{ prefix: 'a' }]],
    ['key', ['a\ud800']],
    ['key', ['\0hmetcd/x']],
    ['options', ['key', 'parse']],
    ['options', ['key', null]],
    ['options.unknown', ['key', { unknown: 1 }]],
    ['options.parse', ['key', { parse: 'json' }]],
    ['options.parse', ['key', { parse: null }]],
    ['options.parse', ['key', { parse: {} }]],
    ['options.parse', ['key', { parse: { '~standard': {} } }]],
    ['options.parse', ['key', { parse: { '~standard': null } }]],
    ['options.connection', ['key', { connection: '' }]],
    ['options.connection', ['key', { connection: 1 }]],
  ])('name %s in %j', (argument, args) => {
    expect(refusalOf(() => loosely(...args))).toEqual({ error: InvalidArgumentError, argument });
  });

  it('take a function and a schema as parse, and any default', () => {
    for (const parse of [Number, z.number()]) expect(loosely('key', { parse })).toBeInstanceOf(Function);
    for (const value of [undefined, null, 0, '', {}]) {
      expect(loosely('key', { default: value })).toBeInstanceOf(Function);
    }
  });
});

describe('what @FromKey is put on', () => {
  class Target {
    static field: unknown;

    method(_parameter: unknown): void {}

    get accessor(): string {
      return '';
    }
  }

  it.each<[string, object, string, unknown]>([
    ['static', Target, 'field', undefined],
    ['a method', Target.prototype, 'method', Object.getOwnPropertyDescriptor(Target.prototype, 'method')],
    [
      'an accessor',
      Target.prototype,
      'accessor',
      Object.getOwnPropertyDescriptor(Target.prototype, 'accessor'),
    ],
    ['a method', Target.prototype, 'method', 0],
  ])('must be no member that is %s', (kind, target, key, place) => {
    const decorate = (): void => loosely('key')(target, key, place);
    expect(decorate).toThrow(InvalidArgumentError);
    expect(decorate).toThrow(NOT_INJECTED('@FromKey', `Target.${key}`, kind));
  });

  it('must be no class', () => {
    expect(() => loosely('key')(Target)).toThrow(NOT_INJECTED('@FromKey', 'Target.constructor', 'a class'));
  });
});

describe('the types of @FromKey', () => {
  // `npm run typecheck` fails when a line below compiles that must not, or the other way round.
  const Limits = z.object({ cpu: z.number() });
  type Limits = z.infer<typeof Limits>;

  it('allow a default of the type that parse answers, and no other', () => {
    class Allowed {
      @FromKey('a') readonly text!: LiveValue<string>;
      @FromKey('a', { default: 'b', connection: 'billing' }) readonly other!: LiveValue<string>;
      @FromKey('a', { parse: Limits }) readonly limits!: LiveValue<Limits>;
      @FromKey('a', { parse: Limits, default: { cpu: 1 } }) readonly limited!: LiveValue<Limits>;
      @FromKey('a', { parse: (text) => text.length, default: 1 }) readonly length!: LiveValue<number>;

      constructor(@FromKey('a', { parse: Limits }) readonly parameter: LiveValue<Limits>) {}
    }
    class Refused {
      // @ts-expect-error a default that is no text
      @FromKey('a', { default: 1 }) readonly one!: LiveValue<string>;
      // @ts-expect-error a default that the schema does not answer
      @FromKey('a', { parse: Limits, default: { memory: 1 } }) readonly two!: LiveValue<Limits>;
      // @ts-expect-error a default that the function does not answer
      @FromKey('a', { parse: (text) => text.length, default: 'b' }) readonly three!: LiveValue<number>;
      // @ts-expect-error a type without what makes it of a text
      @FromKey<number>('a') readonly four!: LiveValue<number>;
    }
    expect([Allowed, Refused]).toHaveLength(2);
  });
});
