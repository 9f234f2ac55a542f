import { hostname } from 'node:os';
import { basename } from 'node:path';
import { isRecord } from './validate.js';

/**
 * Who holds a lock or a temporary key: what a process says of itself.
 *
 * @publicApi
 */
export interface Owner {
  /** The machine's name; in a container, the container's. */
  readonly host: string;
  /** Its id on that host. */
  readonly pid: number;
  /** When the process started, ISO 8601 in UTC. */
  readonly startedAt: string;
  /** The npm package name when npm started the process, else the script's name. */
  readonly application: string;
}

export const thisProcess: Owner = {
  host: hostname(),
  pid: process.pid,
  startedAt: new Date(Date.now() - process.uptime() * 1000).toISOString(),
  application: process.env['npm_package_name'] ?? basename(process.argv[1] ?? 'node'),
};

/** Answers undefined for a value that does not tell of an owner: another program's. */
export function readOwner(value: string): Owner | undefined {
  const { host, pid, startedAt, application } = parseRecord(value);
  if (typeof host !== 'string' || typeof pid !== 'number') return undefined;
  if (typeof startedAt !== 'string' || typeof application !== 'string') return undefined;
  return { host, pid, startedAt, application };
}

function parseRecord(json: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(json);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}
