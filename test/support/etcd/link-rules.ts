import type { ResponseTrap } from './response-trap.js';

/**
 * pass: bytes go through. refuse: nobody listens. swallow: connections are accepted and what comes over them is lost,
 * as behind a firewall that forgot them. hold: what comes waits and is delivered later, as by TCP over a broken line.
 */
export type LinkMode = 'pass' | 'refuse' | 'swallow' | 'hold';

/** rst: as if the process at the other end had died. fin: as if it had closed the connection. */
export type CutKind = 'rst' | 'fin';

/** What a link does to all of its connections at present, and what went over it. */
export class LinkRules {
  mode: LinkMode = 'pass';
  delayMs = 0;
  readonly counters = { connections: 0, open: 0, bytesToServer: 0, bytesToClient: 0, bytesSwallowed: 0 };
  #trap: ResponseTrap | undefined;
  #onSprung: (() => void) | undefined;

  get trap(): ResponseTrap | undefined {
    return this.#trap;
  }

  /** Sets a trap for what servers send, instead of one that was set. Resolves when it has broken a connection. */
  arm(trap: ResponseTrap): Promise<void> {
    this.#trap = trap;
    return new Promise((resolve) => {
      this.#onSprung = resolve;
    });
  }

  /** A trap breaks one connection. */
  sprung(): void {
    this.#trap = undefined;
    this.#onSprung?.();
  }
}
