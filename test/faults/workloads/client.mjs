import { setTimeout as delay } from 'node:timers/promises';
import { Dice } from '../../support/random.mjs';
import { config, machineMs } from './child.mjs';
import { Lane } from './operations.mjs';

/** How long the keys of one generation are in use: the history of a key that never ends could not be checked. */
const GENERATION_MS = 6000;

/** Generations after which nobody has a key in hand any more. */
const OLD = 3;

/** A handle, and what the workloads that share it need beside it. */
export class Client {
  name;
  kvi;
  /** Resolves with the revision that watches must have come to before they end. */
  lastRevision;
  dice;
  requestMs = config.requestTimeoutMs;
  restMs = config.restMs;
  #number;
  #over;
  #calm;
  #values = 0;

  /** @param over aborts when nothing new is to be begun */
  constructor(number, kvi, { over, calm, lastRevision }) {
    this.#number = number;
    this.name = `${config.process}.${number}`;
    this.kvi = kvi;
    this.lastRevision = lastRevision;
    this.dice = new Dice(config.seed * 100 + number);
    this.#over = over;
    this.#calm = calm;
  }

  /** Aborts when nothing new is to be begun. */
  get over() {
    return this.#over;
  }

  get isOver() {
    return this.#over.aborted;
  }

  /** The first of its process does what is too much for all. */
  get isFirst() {
    return this.#number === 0;
  }

  /** Of the keys of a family it follows only those of one place. */
  get slot() {
    return this.#number % config.slots;
  }

  lane(workload) {
    return new Lane(`${this.name}-${workload}`);
  }

  /** Does nothing for some time up to `ms`, or until nothing new is to be begun. */
  async pause(ms) {
    await delay(this.dice.below(ms), undefined, { signal: this.#over }).catch(() => {});
  }

  /** As `pause`, and as long as it is to be calm. Between two pieces of work, when nothing is held. */
  async rest(ms = this.restMs) {
    await this.pause(ms);
    await this.#calm.over;
  }

  /** A value that nobody else writes. */
  newValue() {
    this.#values += 1;
    return `${this.name}/${this.#values}`;
  }

  /** One of the keys of a family that are in use. */
  key(family) {
    return keyOf(family, this.dice.below(config.slots), generation());
  }

  /** Whether a key is of those that nobody uses any more. */
  isOld(key) {
    return Number(key.split('/')[2]) < generation() - OLD;
  }
}

function generation() {
  return Math.floor(machineMs() / GENERATION_MS);
}

function keyOf(family, slot, ofGeneration) {
  return `${family}/${slot}/${ofGeneration}`;
}
