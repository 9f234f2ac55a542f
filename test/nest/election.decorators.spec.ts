import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError, OnDeposed, OnElected, type LeaderTerm } from '../../lib/index.js';
import { NOT_A_METHOD } from '../../lib/nest/hmetcd.messages.js';
import { refusalOf } from './support/refusal.js';

type LooseDecorator = (target: object, key: string | symbol, descriptor?: PropertyDescriptor) => void;

const DECORATORS = [
  ['@OnElected', OnElected],
  ['@OnDeposed', OnDeposed],
] as const;

describe.each(DECORATORS)('the arguments of %s', (_name, decorator) => {
  /** Without its types, as JavaScript calls it. */
  const loosely = decorator as (...args: unknown[]) => LooseDecorator;

  it.each<[string, unknown[]]>([
    ['name', []],
    ['name', ['']],
    ['name', [1]],
    ['name', [() => 'leader']],
    ['name', ['a\ud800']],
    ['name', ['\0hmetcd/x']],
    ['name', ['\0hmetcd']],
    ['options', ['leader', 'billing']],
    ['options', ['leader', null]],
    ['options.unknown', ['leader', { unknown: 1 }]],
    ['options.timeoutSec', ['leader', { timeoutSec: 1 }]],
    ['options.connection', ['leader', { connection: '' }]],
    ['options.connection', ['leader', { connection: 1 }]],
  ])('name %s in %j', (argument, args) => {
    expect(refusalOf(() => loosely(...args))).toEqual({ error: InvalidArgumentError, argument });
  });
});

describe.each(DECORATORS)('what %s is put on', (name, decorator) => {
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
    const decorate = (): void =>
      (decorator('leader') as LooseDecorator)(target, key, Object.getOwnPropertyDescriptor(target, key));
    expect(decorate).toThrow(InvalidArgumentError);
    expect(decorate).toThrow(NOT_A_METHOD(name, `Target.${String(key)}`, kind));
  });
});

describe('the types of @OnElected and @OnDeposed', () => {
  // `npm run typecheck` fails when a line below compiles that must not, or the other way round.
  class Allowed {
    @OnElected('leader')
    async ofTheTerm(term: LeaderTerm): Promise<void> {
      await term.kv.store('state', `${term.name} ${term.key} ${term.fencingToken} ${term.isHeld}`);
      term.assertHeld();
      term.signal.throwIfAborted();
    }

    @OnElected('leader', { connection: 'billing' })
    @OnElected('other')
    @OnDeposed('other')
    ofNothing(): string {
      return '';
    }

    @OnDeposed('leader')
    ofAPart({ signal }: Pick<LeaderTerm, 'signal'>): unknown {
      return signal.reason;
    }
  }

  class Refused {
    // @ts-expect-error a second parameter
    @OnElected('leader')
    twoParameters(_term: LeaderTerm, _more: string): void {}

    // @ts-expect-error a parameter that is no term
    @OnDeposed('leader')
    otherParameter(_name: string): void {}

    @OnElected('leader')
    givesBack(term: LeaderTerm): void {
      // @ts-expect-error the library gives it back
      void term.release;
    }

    // @ts-expect-error a term cannot be released, as a held lock could
    @OnElected('leader')
    takesALock(lock: LeaderTerm & { release(): Promise<void> }): Promise<void> {
      return lock.release();
    }
  }

  it.each<[string, () => void]>([
    [
      'a symbol as the name',
      () => {
        const name = Symbol('handler');
        class WithSymbol {
          // @ts-expect-error a method that is named by a symbol
          @OnElected('leader')
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
          @OnDeposed('leader')
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
          @OnElected('leader')
          get value(): string {
            return '';
          }
        }
        void WithGetter;
      },
    ],
    [
      'no name',
      () => {
        class WithoutName {
          // @ts-expect-error an election has a name
          @OnElected()
          handle(): void {}
        }
        void WithoutName;
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
