import { open } from 'nestjs-hmetcd';

/** Takes a number from a counter that programs in Go count on, too. */
export async function nextNumber(endpoint: string): Promise<number> {
  const kvi = await open(endpoint);
  try {
    await kvi.distTimedLock(30);
    const next = Number((await kvi.get('counter')) ?? 0) + 1;
    await kvi.store('counter', String(next));
    await kvi.distUnlock();
    return next;
  } finally {
    await kvi.close();
  }
}
