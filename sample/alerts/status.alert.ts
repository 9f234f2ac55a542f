import { DELETE, type KeyChange } from 'nestjs-hmetcd';
import { ALIVE, STALE } from '../heartbeats/node.entry.js';
import { STATUS_PREFIX } from '../heartbeats/node.keys.js';

export type AlertKind = 'joined' | 'stale' | 'recovered' | 'removed';

export interface Alert {
  /** The store's revision that made the change: the same number on every instance. */
  readonly id: number;
  readonly node: string;
  readonly kind: AlertKind;
}

/** @returns undefined for a write that changed nothing */
export function toAlert(change: KeyChange): Alert | undefined {
  const kind = alertKind(change);
  return kind && { id: change.revision, node: change.key.slice(STATUS_PREFIX.length), kind };
}

function alertKind({ op, value, prevValue }: KeyChange): AlertKind | undefined {
  if (op === DELETE) return 'removed';
  if (value === prevValue) return undefined;
  if (value === STALE) return 'stale';
  if (value === ALIVE) return prevValue === undefined ? 'joined' : 'recovered';
  return undefined;
}
