/*
 * Data in SQL under a lock: a fence.
 *
 * No lock keeps a process that was stopped (SIGSTOP, a suspended machine, a blocked event loop) from writing after another
 * has the lock: it does not know. `fencingToken` grows with every grant of a lock; the table remembers the highest that it
 * has seen and refuses a lower one.
 *
 * Every writer must do so, and what a reader decides something by belongs into the same transaction of the database. After
 * a restored backup of etcd, set the fences back: revisions, and with them tokens, start lower.
 */
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
