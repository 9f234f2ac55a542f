import { EventEmitter, once } from 'node:events';

/** What a program has said, and the means to wait for what it is yet to say. */
export class LogLines {
  private readonly events = new EventEmitter();
  private ended = false;
  text = '';

  push(text: string): void {
    this.text += text;
    this.events.emit('change');
  }

  /** From here on nobody waits for ever. */
  end(): void {
    this.ended = true;
    this.events.emit('change');
  }

  /** @returns the first match, whether it was said before the call or comes later */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      if (this.ended) throw new Error(`Ended without ${String(pattern)}:\n${this.text}`);
      await once(this.events, 'change');
    }
  }
}
