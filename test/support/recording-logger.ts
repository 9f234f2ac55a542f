import type { HmEtcdLogger } from '../../lib/kvi/options.js';

export type LogLine = { readonly level: 'debug' | 'log' | 'warn' | 'error'; readonly message: string };

/** Keeps what was logged, and lets a test wait for a line. */
export class RecordingLogger implements HmEtcdLogger {
  readonly lines: LogLine[] = [];
  readonly #waiting = new Set<() => void>();

  debug(message: string): void {
    this.#add({ level: 'debug', message });
  }

  log(message: string): void {
    this.#add({ level: 'log', message });
  }

  warn(message: string): void {
    this.#add({ level: 'warn', message });
  }

  error(message: string): void {
    this.#add({ level: 'error', message });
  }

  /** The messages of one level. */
  at(level: LogLine['level']): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  /** What was warned of, but that the server under test is too old for safe leases: each handle says so. */
  get warnings(): string[] {
    return this.at('warn').filter((message) => !isOfAge(message));
  }

  /** Resolves with the first message of that level that matches, logged before or after this call. */
  async line(level: LogLine['level'], pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.at(level).find((message) => pattern.test(message));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }

  #add(line: LogLine): void {
    this.lines.push(line);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** Whether a line says that a server is too old for safe leases. */
export function isOfAge(line: string): boolean {
  return /etcd \S+ at \S+ is older than /.test(line);
}
