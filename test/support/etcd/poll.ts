import { setTimeout as delay } from 'node:timers/promises';

const PERIOD_MS = 20;

/** Asks until the answer is something; the time is generous because it is only for what never comes. */
export async function poll<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await delay(PERIOD_MS);
  }
}
