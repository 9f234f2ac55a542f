import { diag } from '@opentelemetry/api';
import type { Channel } from 'node:diagnostics_channel';

/**
 * Who listens on channels, until it is ended. What a listener throws would end the process there: here it goes to
 * OpenTelemetry's own log.
 */
export class Subscriptions {
  readonly #ends: (() => unknown)[] = [];

  on<M>(channel: Channel<unknown, M>, listener: (message: M) => void): void {
    const guarded = (message: unknown): void => {
      try {
        listener(message as M);
      } catch (error) {
        diag.error(`What was told on ${String(channel.name)} was not recorded.`, error);
      }
    };
    channel.subscribe(guarded);
    this.#ends.push(() => channel.unsubscribe(guarded));
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}
