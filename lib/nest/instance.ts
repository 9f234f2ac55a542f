import { randomBytes } from 'node:crypto';
import type { KeyValue } from '../kvi/kvi.js';
import { type Owner, readOwner, thisProcess } from '../kvi/owner.js';

/**
 * A running instance of an application, as it announced itself.
 *
 * @publicApi
 */
export interface Instance extends Owner {
  /** What follows the prefix in {@link key}. */
  readonly id: string;
  /** The temporary key that exists as long as the instance does. */
  readonly key: string;
}

/** The random part keeps two applications in one process apart, and containers that all have pid 1 and one name. */
export function defaultInstanceId(): string {
  return `${thisProcess.host}-${thisProcess.pid}-${randomBytes(3).toString('hex')}`;
}

/** Answers undefined for a key that is no announcement: somebody else's data under the same prefix. */
export function readInstance(prefix: string, { key, value }: KeyValue): Instance | undefined {
  const owner = readOwner(value);
  return owner && { id: key.slice(prefix.length), key, ...owner };
}
