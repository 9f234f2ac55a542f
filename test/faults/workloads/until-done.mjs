import { setTimeout as delay } from 'node:timers/promises';
import { outcomeOf } from './operations.mjs';

const TRY_AGAIN_MS = 100;

/** Tries until it succeeds, because there may be an outage; undefined when there is no time any more. */
export async function untilDone(over, attempt) {
  while (!over.aborted) {
    try {
      return await attempt();
    } catch (error) {
      outcomeOf(error);
      await delay(TRY_AGAIN_MS);
    }
  }
  return undefined;
}
