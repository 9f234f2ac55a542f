import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { HmEtcdModule, type KeyChange, type Kvi, OnKeyChange } from '../../../lib/index.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { close, start } from './apps.js';
import { Journal } from './deferred.js';
import { openOn, type Place } from './stores.js';

const KEYS = 3;

/** Writes 0, 1, 2, … to a few keys in turns, until it is stopped, and never pauses. */
class Counter {
  readonly #kvi: Kvi;
  readonly #done: Promise<void>;
  #stopped = false;

  private constructor(kvi: Kvi) {
    this.#kvi = kvi;
    this.#done = this.#run();
  }

  /** Resolves when each of the keys exists. */
  static async start(kvi: Kvi): Promise<Counter> {
    const counter = new Counter(kvi);
    while ((await kvi.getPrefix('count/')).length < KEYS) await eventLoopTurn();
    return counter;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#stopped; number++) {
      await this.#kvi.store(`count/${number % KEYS}`, String(number));
      // An embedded store may answer without one, and then nothing else would have its turn.
      if (number % 5 === 0) await eventLoopTurn();
    }
  }
}

@Injectable()
class CountingService {
  readonly numbers = new Journal<number>();

  @OnKeyChange({ prefix: 'count/' }, undefined, { initial: true })
  changed({ value }: KeyChange): void {
    this.numbers.add(Number(value));
  }
}

/** What handlers are called with that start under a `Counter`: the first pass in the order of the numbers, then the rest. */
export async function startUnderCounter(place: Place, starts: number): Promise<number[][]> {
  const kvi = await openOn(place);
  const counter = await Counter.start(kvi);
  const counted: number[][] = [];
  for (let trial = 0; trial < starts; trial++) counted.push(await countedFromStart(place));
  await counter.stop();
  await kvi.close();
  return counted;
}

async function countedFromStart(place: Place): Promise<number[]> {
  const app = await start({
    imports: [HmEtcdModule.forRoot({ ...place, logger: new RecordingLogger() })],
    providers: [CountingService],
  });
  const numbers = await app.get(CountingService).numbers.reaches(KEYS + 10);
  await close(app);
  return [...numbers.slice(0, KEYS).toSorted((a, b) => a - b), ...numbers.slice(KEYS)];
}

/** As many numbers, without a gap. */
export function consecutive(numbers: readonly number[]): number[] {
  return numbers.map((_number, index) => numbers[0]! + index);
}
