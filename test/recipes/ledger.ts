import type { Kvi } from 'nestjs-hmetcd';

/** Adds an entry to a ledger, of which nobody else's entry may be lost. */
export async function addEntry(kvi: Kvi, entry: string): Promise<void> {
  await kvi.withLock('ledger', { timeoutSec: 30 }, async (lock) => {
    const entries = JSON.parse((await kvi.get('ledger-entries')) ?? '[]') as string[];
    await lock.kv.store('ledger-entries', JSON.stringify([...entries, entry])); // only if the lock is still held
  });
}
