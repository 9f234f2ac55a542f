import { expect, it } from '@jest/globals';
import { of, type Observable } from 'rxjs';
import { DistLocked, InvalidArgumentError } from '../../lib/index.js';

// `npm run typecheck` fails when a line below compiles that must not, or the other way round. What is refused at run
// time as well is in a class of its own, made by a function that is not called here.

class Allowed {
  @DistLocked()
  async plain(): Promise<string> {
    return 'x';
  }

  @DistLocked(5, {
    minHoldSec: 0.5,
    maxHoldSec: 60,
    onLost: 'ignore',
    onTimeout: 'throw',
    connection: 'billing',
  })
  async withArguments(_id: string, _count?: number): Promise<void> {}

  @DistLocked({ timeoutSec: 5, name: 'jobs' })
  async asOneObject(_id: string): Promise<number> {
    return 1;
  }

  @DistLocked(5, { name: (id: string) => `order-${id}` })
  async nameOfAllArguments(_id: string): Promise<void> {}

  @DistLocked(5, { name: (id: string) => `order-${id}` })
  async nameOfSomeArguments(_id: string, _count: number): Promise<void> {}

  @DistLocked({ name: (id: string | number) => `order-${id}` })
  async nameTakesMore(_id: string): Promise<void> {}

  @DistLocked(5, { name: () => 'order' })
  async nameOfNoArguments(_id: string): Promise<void> {}

  @DistLocked(5, { name: (...args: unknown[]) => `order-${args.length}` })
  async nameOfAnyArguments(_id: string): Promise<void> {}

  @DistLocked(5, {
    name(this: Allowed, id: string) {
      return `${this.constructor.name}-${id}`;
    },
  })
  async nameOnThis(_id: string): Promise<void> {}

  @DistLocked(0, { onTimeout: 'skip' })
  async skippedVoid(): Promise<void> {}

  @DistLocked(0, { onTimeout: 'skip' })
  async skippedUndefined(): Promise<string | undefined> {
    return undefined;
  }

  @DistLocked(0, { onTimeout: 'skip', minHoldSec: 0.5 })
  async oncePerTick(): Promise<void> {}

  @DistLocked({ timeoutSec: 0, name: (id: string) => id, onTimeout: 'skip' })
  async skippedWithName(_id: string): Promise<string | undefined> {
    return undefined;
  }

  @DistLocked()
  async generic<T>(value: T): Promise<T> {
    return value;
  }

  @DistLocked()
  private async hidden(): Promise<void> {}

  callHidden(): Promise<void> {
    return this.hidden();
  }

  @DistLocked()
  async [Symbol.asyncDispose](): Promise<void> {}
}

class Refused {
  // @ts-expect-error a method that is not asynchronous
  @DistLocked()
  sync(): string {
    return 'x';
  }

  // @ts-expect-error an Observable
  @DistLocked()
  observable(): Observable<string> {
    return of('x');
  }

  // @ts-expect-error name takes another type than the method
  @DistLocked(5, { name: (id: number) => `order-${id}` })
  async nameOfOtherType(_id: string): Promise<void> {}

  // @ts-expect-error name takes less than the method may get
  @DistLocked(5, { name: (id: string) => id })
  async nameTakesLess(_id: string | number): Promise<void> {}

  // @ts-expect-error name takes more arguments than the method has
  @DistLocked({ name: (id: string, count: number) => `${id}${count}` })
  async nameOfMoreArguments(_id: string): Promise<void> {}

  // @ts-expect-error name takes for given what the method may not get
  @DistLocked(5, { name: (id: string) => id })
  async nameOfOptional(_id?: string): Promise<void> {}

  // @ts-expect-error name does not say what it takes
  @DistLocked(5, { name: (id) => String(id) })
  async nameOfUntyped(_id: string): Promise<void> {}

  // @ts-expect-error name answers no string
  @DistLocked(5, { name: (id: number) => id })
  async nameIsNoString(_id: number): Promise<void> {}

  // @ts-expect-error a skipped call answers undefined
  @DistLocked(0, { onTimeout: 'skip' })
  async skipped(): Promise<string> {
    return 'x';
  }

  // @ts-expect-error a skipped call answers undefined
  @DistLocked({ timeoutSec: 0, name: (id: string) => id, onTimeout: 'skip' })
  async skippedWithName(id: string): Promise<string> {
    return id;
  }
}

function refusedUnknownOption(): void {
  class WithUnknownOption {
    // @ts-expect-error an option that does not exist
    @DistLocked(5, { timeout: 5 })
    async method(): Promise<void> {}
  }
  void WithUnknownOption;
}

function refusedMinHoldOfOtherType(): void {
  class WithText {
    // @ts-expect-error seconds are a number
    @DistLocked(5, { minHoldSec: '1' })
    async method(): Promise<void> {}
  }
  void WithText;
}

function refusedSecondTimeout(): void {
  class WithTwoTimeouts {
    // @ts-expect-error timeoutSec twice
    @DistLocked(5, { timeoutSec: 5 })
    async method(): Promise<void> {}
  }
  void WithTwoTimeouts;
}

function refusedGenerator(): void {
  class WithGenerator {
    // @ts-expect-error a generator
    @DistLocked()
    *generator(): Generator<string> {
      yield 'x';
    }
  }
  void WithGenerator;
}

function refusedAsyncGenerator(): void {
  class WithAsyncGenerator {
    // @ts-expect-error an async generator
    @DistLocked()
    async *generator(): AsyncGenerator<string> {
      yield 'x';
    }
  }
  void WithAsyncGenerator;
}

function refusedGetter(): void {
  class WithGetter {
    // @ts-expect-error a getter
    @DistLocked()
    get value(): Promise<string> {
      return Promise.resolve('x');
    }
  }
  void WithGetter;
}

function refusedArrow(): void {
  class WithArrow {
    // @ts-expect-error a property that holds a function
    @DistLocked()
    arrow = async (): Promise<void> => {};
  }
  void WithArrow;
}

it.each([
  refusedUnknownOption,
  refusedMinHoldOfOtherType,
  refusedSecondTimeout,
  refusedGenerator,
  refusedAsyncGenerator,
  refusedGetter,
  refusedArrow,
])('what does not compile is refused at run time too: %p', (declare) => {
  expect(declare).toThrow(InvalidArgumentError);
});

it('the class whose decorators must compile is a class', () => {
  expect(new Allowed()).toBeInstanceOf(Allowed);
  expect(new Refused()).toBeInstanceOf(Refused);
});
