import type { MemoryDatabase } from '../../../lib/store/memory/database.js';
import type { LeaseId, Operation, TxnResponse } from '../../../lib/store/store.js';

/** All keys. */
export const ALL = { key: '\0', rangeEnd: '\0' };

export function put(key: string, value = '', lease?: LeaseId): Operation {
  return { type: 'put', key, value, lease };
}

export function remove(key: string, rangeEnd?: string): Operation {
  return { type: 'delete', key, rangeEnd };
}

/** Does the operations in one transaction. */
export function write(database: MemoryDatabase, ...success: Operation[]): TxnResponse {
  return database.txn({ success });
}

export function keysOf(database: MemoryDatabase): string[] {
  return database.range(ALL).kvs.map(({ key }) => key);
}
