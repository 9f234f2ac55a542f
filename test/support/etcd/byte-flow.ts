import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { LinkRules } from './link-rules.js';

/** More than that waits in the sender, as on a real line. */
const HIGH_WATER_BYTES = 1024 * 1024;

interface Arrival {
  readonly chunk: Buffer;
  readonly at: number;
}

/** One direction of a connection: what `from` sends reaches `to` as the rules say. */
export class ByteFlow {
  /** Bytes are missing on the other side: nothing that follows makes sense there. */
  isTorn = false;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rules: LinkRules;
  readonly #pass: (chunk: Buffer) => Buffer;
  readonly #waiting: Arrival[] = [];
  #waitingBytes = 0;
  #hasEnded = false;
  #isDelivering = false;

  /** `pass` sees each chunk before it is delivered and may cut it short. */
  constructor(from: Socket, to: Socket, rules: LinkRules, pass: (chunk: Buffer) => Buffer) {
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
    this.#pass = pass;
    from.on('data', (chunk) => this.#arrived(chunk));
    from.on('end', () => {
      this.#hasEnded = true;
      this.wake();
    });
  }

  /** To be called when the rules have changed. */
  wake(): void {
    if (!this.#isDelivering) void this.#deliver();
  }

  #arrived(chunk: Buffer): void {
    this.#waiting.push({ chunk, at: performance.now() });
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > HIGH_WATER_BYTES) this.#from.pause();
    this.wake();
  }

  async #deliver(): Promise<void> {
    this.#isDelivering = true;
    try {
      while (this.#waiting.length > 0 && this.#rules.mode !== 'hold') await this.#deliverOldest();
      if (this.#hasEnded) this.#end();
    } finally {
      this.#isDelivering = false;
    }
  }

  async #deliverOldest(): Promise<void> {
    await this.#untilDue(this.#waiting[0] as Arrival);
    // The wait may have been long enough for a change of the rules.
    if (this.#rules.mode !== 'hold') await this.#hand(this.#take());
  }

  #end(): void {
    if (this.#rules.mode === 'swallow') this.isTorn = true;
    else if (this.#rules.mode !== 'hold') this.#to.end();
  }

  async #untilDue({ at }: Arrival): Promise<void> {
    const left = at + this.#rules.delayMs - performance.now();
    if (this.#rules.delayMs > 0 && left > 0) await delay(left);
  }

  #take(): Buffer {
    const { chunk } = this.#waiting.shift() as Arrival;
    this.#waitingBytes -= chunk.length;
    if (this.#waitingBytes <= HIGH_WATER_BYTES) this.#from.resume();
    return chunk;
  }

  async #hand(chunk: Buffer): Promise<void> {
    if (this.#rules.mode === 'swallow') {
      this.isTorn = true;
      this.#rules.counters.bytesSwallowed += chunk.length;
      return;
    }
    const passing = this.#pass(chunk);
    if (!this.#to.writable || passing.length === 0 || this.#to.write(passing)) return;
    await untilWritable(this.#to);
  }
}

function untilWritable(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
