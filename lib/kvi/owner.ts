import { hostname } from 'node:os';
import { basename } from 'node:path';

/** Who holds a lock or a temporary key: what this process says of itself. */
export interface Owner {
  readonly host: string;
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
