import type { HeldLock } from 'nestjs-hmetcd';
import type { Database } from 'sql.js';

export const SCHEMA =
  'CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER NOT NULL, fence INTEGER NOT NULL DEFAULT 0)';

/** Writes a balance, unless somebody has written it under a later grant of the lock. */
export function writeBalance(db: Database, lock: HeldLock, id: string, balance: number): void {
  const fence = lock.fencingToken;
  db.run('UPDATE account SET balance = ?, fence = ? WHERE id = ? AND fence <= ?', [
    balance,
    fence,
    id,
    fence,
  ]);
  if (db.getRowsModified() === 0) {
    throw new Error(`Account ${id} is not there, or was written under a later lock: this one was lost.`);
  }
}
