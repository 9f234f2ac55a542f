import { describeThrown } from '../kvi/error-text.js';
import { Listeners } from '../kvi/listeners.js';
import type { HmEtcdLogger } from '../kvi/options.js';
import { InvalidArgumentError } from '../store/errors.js';
import type { FromKeyMetadata } from './from-key.metadata-accessor.js';
import {
  DEFAULT_USED,
  KEY_DELETED,
  NO_VALUE,
  VALUE_LISTENER_THREW,
  VALUE_REFUSED,
} from './hmetcd.messages.js';
import type { LiveValue, ValueListener, ValueView } from './live-value.js';
import { parseValue } from './value-parser.js';

interface Held {
  readonly value: unknown;
  /** What it was made of; undefined for the default. */
  readonly text: string | undefined;
}

/** The last good value of a key. */
export class FollowedValue implements LiveValue<unknown> {
  private readonly listeners: Listeners<[value: unknown, before: unknown]>;
  private held: Held;

  /** @throws InvalidArgumentError where there is neither a good value nor a default */
  constructor(
    private readonly mark: FromKeyMetadata,
    private readonly view: ValueView,
    private readonly logger: HmEtcdLogger,
  ) {
    this.listeners = new Listeners((error) => {
      logger.error(VALUE_LISTENER_THREW(mark.key, describeThrown(error)));
    });
    this.held = this.first(view.get(mark.key));
    view.onChange?.((change) => this.take(change.value));
  }

  get key(): string {
    return this.mark.key;
  }

  get value(): unknown {
    return this.held.value;
  }

  get isCurrent(): boolean {
    return this.view.isCurrent ?? true;
  }

  get staleSince(): Date | undefined {
    return this.view.staleSince;
  }

  onChange(listener: ValueListener<unknown>): () => void {
    return this.listeners.add(listener);
  }

  async sync(options?: { readonly signal?: AbortSignal }): Promise<void> {
    await this.view.sync?.(options);
  }

  private first(text: string | undefined): Held {
    const { key, owner, parse, fallback } = this.mark;
    const parsed = text === undefined ? { problem: undefined } : parseValue(parse, text);
    if ('value' in parsed) return { value: parsed.value, text };
    if (fallback === undefined) throw new InvalidArgumentError(NO_VALUE(key, owner, parsed.problem));
    if (parsed.problem !== undefined) this.logger.error(DEFAULT_USED(key, owner, parsed.problem));
    return { value: fallback.value, text: undefined };
  }

  private take(text: string | undefined): void {
    if (text === this.held.text) return;
    if (text === undefined) return this.takeDeletion();
    const parsed = parseValue(this.mark.parse, text);
    if ('value' in parsed) return this.become({ value: parsed.value, text });
    this.logger.error(VALUE_REFUSED(this.key, this.mark.owner, parsed.problem));
  }

  private takeDeletion(): void {
    const { key, owner, fallback } = this.mark;
    if (fallback === undefined) return this.logger.warn(KEY_DELETED(key, owner));
    this.become({ value: fallback.value, text: undefined });
  }

  private become(next: Held): void {
    const { value: before } = this.held;
    this.held = next;
    this.listeners.tell([[next.value, before]]);
  }
}
