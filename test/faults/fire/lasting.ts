import { setTimeout as delay } from 'node:timers/promises';

export interface Spell {
  readonly begin: () => unknown;
  readonly ms: number;
  readonly signal: AbortSignal;
  readonly undo: () => unknown;
}

/** Something that lasts for so long, or until the signal, and is undone also when its begin has failed halfway. */
export async function lasting({ begin, ms, signal, undo }: Spell): Promise<void> {
  try {
    await begin();
    await pause(ms, signal);
  } finally {
    await undo();
  }
}

/** Ends sooner when the signal comes. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
