import { machineMs } from '../../support/machine-ms.js';
import { Dice } from '../../support/random.mjs';
import type { Fault, Stage } from './fault.js';
import { heal } from './heal.js';
import { pause } from './lasting.js';
import { Schedule } from './schedule.js';

const LONGEST_PAUSE_MS = 1500;
/** Those that come together do not begin in one moment. */
const LONGEST_LEAD_MS = 500;

export interface Happening {
  readonly name: string;
  /** On the clock of the machine, in milliseconds; to: when it was undone. */
  readonly from: number;
  readonly to: number;
}

/** Lets one fault after the other happen, alone or several at once. What comes, and how, the dice say. */
export class Adversary {
  readonly happened: Happening[] = [];
  readonly #stage: Stage;
  readonly #faults: readonly Fault[];
  readonly #schedule: Schedule;
  readonly #dice: Dice;

  constructor(stage: Stage, faults: readonly Fault[], dice: Dice) {
    this.#stage = stage;
    this.#faults = faults;
    this.#dice = dice;
    this.#schedule = new Schedule(faults, dice);
  }

  /** How often each of the faults has happened. */
  get counts(): Record<string, number> {
    const counts = Object.fromEntries(this.#faults.map(({ name }) => [name, 0]));
    for (const { name } of this.happened) counts[name]! += 1;
    return counts;
  }

  /** Resolves when the signal has come and all is well again; rejects when a fault was not undone, with its name. */
  async run(signal: AbortSignal): Promise<void> {
    const [attack] = await Promise.allSettled([this.#attack(signal)]);
    const [healing] = await Promise.allSettled([heal(this.#stage)]);
    const failures = [attack, healing].flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    if (failures.length > 0)
      throw new AggregateError(failures, failures.map((failure) => (failure as Error).message).join('; '));
  }

  async #attack(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const ends = await Promise.allSettled(this.#schedule.next().map((fault) => this.#let(fault, signal)));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
      await pause(this.#dice.below(LONGEST_PAUSE_MS), signal);
    }
  }

  async #let(fault: Fault, signal: AbortSignal): Promise<void> {
    // Of its own: the order in which faults that run at once throw does not change what comes later.
    const dice = new Dice(this.#dice.below(2 ** 32));
    await pause(dice.below(LONGEST_LEAD_MS), signal);
    const from = machineMs();
    try {
      await fault.run(this.#stage, dice, signal);
    } catch (cause) {
      throw new Error(`the fault "${fault.name}" was not undone: ${(cause as Error).message}`, { cause });
    } finally {
      this.happened.push({ name: fault.name, from, to: machineMs() });
    }
  }
}
