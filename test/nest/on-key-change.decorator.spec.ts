import { describe, expect, it } from '@jest/globals';
import {
  DELETE,
  InvalidArgumentError,
  KeyChangeOp,
  OnKeyChange,
  PUT,
  type KeyChange,
} from '../../lib/index.js';
import { NOT_A_METHOD } from '../../lib/nest/hmetcd.messages.js';
import { refusalOf } from './support/refusal.js';

type LooseDecorator = (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => void;
/** Without its types, as JavaScript calls it. */
const loosely = OnKeyChange as (...args: unknown[]) => LooseDecorator;

describe('the arguments of @OnKeyChange', () => {
  it.each<[string, unknown[]]>([
    ['keyOrRange', []],
    ['keyOrRange', ['']],
    ['keyOrRange', [1]],
    ['keyOrRange', [null]],
    ['keyOrRange', [['a', 'b']]],
    ['keyOrRange', ['a\ud800']],
    ['keyOrRange', ['\0hmetcd/x']],
    ['keyOrRange.prefix', [{ prefix: 1 }]],
    ['keyOrRange.prefix', [{ prefix: '\ud800' }]],
    ['keyOrRange.end', [{ prefix: 'a', end: 'b' }]],
    ['keyOrRange.start', [{}]],
    ['keyOrRange.end', [{ start: 'a' }]],
    ['keyOrRange.start', [{ start: '', end: 'b' }]],
    ['keyOrRange.start', [{ start: 'b', end: 'a' }]],
    ['keyOrRange.other', [{ start: 'a', end: 'b', other: 1 }]],
    ['op', ['key', KeyChangeOp.INVAL]],
    ['op', ['key', 3]],
    ['op', ['key', 'PUT']],
    ['op', ['key', null]],
    ['options', ['key', PUT, 'initial']],
    ['options', ['key', PUT, null]],
    ['options.unknown', ['key', PUT, { unknown: 1 }]],
    ['options.initial', ['key', PUT, { initial: 'yes' }]],
    ['options.prevValue', ['key', PUT, { prevValue: 1 }]],
    ['options.onError', ['key', PUT, { onError: 'failed' }]],
    ['options.onError', ['key', PUT, { onError: null }]],
    ['options.connection', ['key', PUT, { connection: '' }]],
    ['options.connection', ['key', undefined, { connection: 1 }]],
  ])('name %s in %j', (argument, args) => {
    expect(refusalOf(() => loosely(...args))).toEqual({ error: InvalidArgumentError, argument });
  });

  it('take every form of a range', () => {
    for (const range of ['key', { prefix: '' }, { prefix: 'p/' }, { start: 'a', end: 'a' }]) {
      expect(loosely(range)).toBeInstanceOf(Function);
    }
  });
});

describe('what @OnKeyChange is put on', () => {
  class Target {
    static handle(): void {}

    get value(): string {
      return '';
    }

    *generator(): Generator<string> {
      yield '';
    }

    [Symbol.for('handler')](): void {}
  }

  it.each<[string, object, string | symbol]>([
    ['static', Target, 'handle'],
    ['an accessor', Target.prototype, 'value'],
    ['a generator', Target.prototype, 'generator'],
    ['a property', Target.prototype, 'field'],
    ['named by a symbol', Target.prototype, Symbol.for('handler')],
  ])('must be no member that is %s', (kind, target, key) => {
    const decorate = (): void => loosely('key')(target, key, Object.getOwnPropertyDescriptor(target, key));
    expect(decorate).toThrow(InvalidArgumentError);
    expect(decorate).toThrow(NOT_A_METHOD('@OnKeyChange', `Target.${String(key)}`, kind));
  });
});

describe('the types of @OnKeyChange', () => {
  // `npm run typecheck` fails when a line below compiles that must not, or the other way round.
  class Allowed {
    @OnKeyChange('key')
    ofTheChange(_change: KeyChange): void {}

    @OnKeyChange({ prefix: 'p/' }, PUT, { initial: true, prevValue: true, connection: 'billing' })
    async ofAPut(_change: KeyChange & { op: PUT }): Promise<string> {
      return '';
    }

    @OnKeyChange({ start: 'a', end: 'b' }, DELETE)
    ofADeletion({ value, prevValue }: KeyChange & { op: DELETE }): (string | undefined)[] {
      return [value, prevValue];
    }

    @OnKeyChange('key')
    @OnKeyChange('other', PUT)
    ofNothing(): void {}
  }

  class Refused {
    // @ts-expect-error a second parameter
    @OnKeyChange('key')
    twoParameters(_change: KeyChange, _more: string): void {}

    // @ts-expect-error a parameter that is no change
    @OnKeyChange('key')
    otherParameter(_value: string): void {}

    // @ts-expect-error deletions come too
    @OnKeyChange('key')
    onlyPuts(_change: KeyChange & { op: PUT }): void {}

    // @ts-expect-error only deletions come
    @OnKeyChange('key', DELETE)
    notDeletions(_change: KeyChange & { op: PUT }): void {}
  }

  it.each<[string, () => void]>([
    [
      'a static method',
      () => {
        class WithStatic {
          @OnKeyChange('key')
          static handle(): void {}

          readonly field = 1;
        }
        void WithStatic;
      },
    ],
    [
      'a symbol as the name',
      () => {
        const name = Symbol('handler');
        class WithSymbol {
          // @ts-expect-error a method that is named by a symbol
          @OnKeyChange('key')
          [name](): void {}
        }
        void WithSymbol;
      },
    ],
    [
      'a property that holds a function',
      () => {
        class WithArrow {
          // @ts-expect-error a property
          @OnKeyChange('key')
          arrow = (): void => {};
        }
        void WithArrow;
      },
    ],
    [
      'a getter',
      () => {
        class WithGetter {
          // @ts-expect-error a getter
          @OnKeyChange('key')
          get value(): string {
            return '';
          }
        }
        void WithGetter;
      },
    ],
    [
      'INVAL',
      () => {
        class WithInval {
          // @ts-expect-error no operation to ask for
          @OnKeyChange('key', KeyChangeOp.INVAL)
          handle(): void {}
        }
        void WithInval;
      },
    ],
  ])('and the run time refuse %s', (_title, declare) => {
    expect(declare).toThrow(InvalidArgumentError);
  });

  it('the classes whose decorators must compile are classes', () => {
    expect(new Allowed()).toBeInstanceOf(Allowed);
    expect(new Refused()).toBeInstanceOf(Refused);
  });
});
