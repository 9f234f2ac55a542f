import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type {
  BatchMessage,
  CallMessage,
  LockHoldMessage,
  LockWaitMessage,
  SessionEndedMessage,
  SessionGrantedMessage,
  SessionLostMessage,
  SessionRenewedMessage,
  WatchLagMessage,
  WatchLostMessage,
  WatchResumedMessage,
  WatchResyncMessage,
} from '../../lib/index.js';

/** What is told from beginning to end. */
interface Lives {
  call: CallMessage;
  batch: BatchMessage;
  'lock.wait': LockWaitMessage;
  'lock.hold': LockHoldMessage;
}

/** What is told at once. */
interface Events {
  'watch.lost': WatchLostMessage;
  'watch.resumed': WatchResumedMessage;
  'watch.lag': WatchLagMessage;
  'watch.resync': WatchResyncMessage;
  'session.granted': SessionGrantedMessage;
  'session.renewed': SessionRenewedMessage;
  'session.lost': SessionLostMessage;
  'session.ended': SessionEndedMessage;
}

const LIVES: Record<keyof Lives, true> = { call: true, batch: true, 'lock.wait': true, 'lock.hold': true };
const EVENTS: Record<keyof Events, true> = {
  'watch.lost': true,
  'watch.resumed': true,
  'watch.lag': true,
  'watch.resync': true,
  'session.granted': true,
  'session.renewed': true,
  'session.lost': true,
  'session.ended': true,
};
const PARTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];

/** One thing's life: what was told of it, in order, all with the same message. */
export interface Life<M> {
  readonly message: M;
  readonly parts: string[];
}

/** Listens on every channel until it is disposed of. */
export class Hearing implements Disposable {
  /** Every message that was told, whatever on, in its order. */
  readonly all: object[] = [];
  readonly #lives = new Map<string, Life<object>[]>();
  readonly #events = new Map<string, object[]>();
  readonly #ends: (() => void)[] = [];
  readonly #waiting = new Set<() => void>();

  constructor() {
    for (const name of Object.keys(LIVES)) {
      this.#lives.set(name, []);
      for (const part of PARTS) {
        this.#hear(`tracing:nestjs-hmetcd:${name}:${part}`, (message) => this.#addPart(name, part, message));
      }
    }
    for (const name of Object.keys(EVENTS)) {
      this.#events.set(name, []);
      this.#hear(`nestjs-hmetcd:${name}`, (message) => this.#events.get(name)!.push(message));
    }
  }

  lives<N extends keyof Lives>(name: N): readonly Life<Lives[N]>[] {
    return this.#lives.get(name)! as unknown as readonly Life<Lives[N]>[];
  }

  events<N extends keyof Events>(name: N): readonly Events[N][] {
    return this.#events.get(name)! as unknown as readonly Events[N][];
  }

  /** The first event that fits, now or later. */
  event<N extends keyof Events>(
    name: N,
    fits: (message: Events[N]) => boolean = () => true,
  ): Promise<Events[N]> {
    return this.#when(() => this.events(name).find(fits));
  }

  /** The first life that is over and fits, now or later. */
  ended<N extends keyof Lives>(
    name: N,
    fits: (message: Lives[N]) => boolean = () => true,
  ): Promise<Life<Lives[N]>> {
    return this.#when(() =>
      this.lives(name).find(({ message, parts }) => parts.includes('asyncEnd') && fits(message)),
    );
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end();
  }

  async #when<T>(look: () => T | undefined): Promise<T> {
    for (let found = look(); ; found = look()) {
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #hear(name: string, take: (message: object) => void): void {
    const listener = (message: unknown): void => {
      this.all.push(message as object);
      take(message as object);
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    };
    subscribe(name, listener);
    this.#ends.push(() => void unsubscribe(name, listener));
  }

  #addPart(name: string, part: string, message: object): void {
    const lives = this.#lives.get(name)!;
    const known = lives.find((life) => life.message === message);
    if (known === undefined) lives.push({ message, parts: [part] });
    else known.parts.push(part);
  }
}

/** What is told of what succeeds, and of what fails. */
export const SUCCESS = ['start', 'end', 'asyncStart', 'asyncEnd'];
export const FAILURE = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];
