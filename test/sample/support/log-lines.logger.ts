import type { LoggerService } from '@nestjs/common';
import { LogLines } from './log-lines.js';

/** Nest's logger for an application inside the test's own process. */
export class LogLinesLogger implements LoggerService {
  readonly lines = new LogLines();

  log = (message: unknown): void => this.lines.push(`LOG ${String(message)}\n`);
  warn = (message: unknown): void => this.lines.push(`WARN ${String(message)}\n`);
  error = (message: unknown): void => this.lines.push(`ERROR ${String(message)}\n`);
}
