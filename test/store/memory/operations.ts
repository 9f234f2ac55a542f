import type { MemoryDatabase } from '../../../lib/store/memory/database.js';
import type { Compare, LeaseId, Operation, TxnRequest, TxnResponse } from '../../../lib/store/store.js';

/** All keys. */
export const ALL = { key: '\0', rangeEnd: '\0' };

export function put(key: string, value = '', lease?: LeaseId): Operation {
  return { type: 'put', key, value, lease };
}

export function remove(key: string, rangeEnd?: string): Operation {
  return { type: 'delete', key, rangeEnd };
}

export function nested(success: Operation[], rest: Omit<TxnRequest, 'success'> = {}): Operation {
  return { type: 'txn', success, ...rest };
}

export function isMissing(key: string): Compare {
  return { target: 'create', key, operator: '=', revision: 0 };
}

/** Does the operations in one transaction. */
export function write(database: MemoryDatabase, ...success: Operation[]): TxnResponse {
  return database.txn({ success });
}

export function keysOf(database: MemoryDatabase): string[] {
  return database.range(ALL).kvs.map(({ key }) => key);
}
