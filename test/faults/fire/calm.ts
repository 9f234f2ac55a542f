import { setTimeout as delay } from 'node:timers/promises';
import { machineMs } from '../../support/machine-ms.js';
import type { Administered } from './fault.js';
import type { OwnGaps } from './own-gaps.js';

const LOOK_EVERY_MS = 250;
/** For a machine that never comes to rest: what is wrong then will be told. */
const AT_MOST_MS = 120_000;

/**
 * Waits until nothing has disturbed the cluster for so many milliseconds: no fault any more, and neither a stall of this
 * process, through which all lines go, nor an election, with which all leases get their full time again. Answers since when.
 */
export async function calm({ cluster }: Administered, gaps: OwnGaps, ms: number): Promise<number> {
  const end = machineMs() + AT_MOST_MS;
  let since = machineMs();
  let leader = await cluster.leader();
  while (machineMs() < Math.min(since + ms, end)) {
    await delay(LOOK_EVERY_MS);
    const leading = await cluster.leader();
    const stalledUntil = gaps.found.at(-1)?.to ?? 0;
    if (leading !== leader || stalledUntil > since) since = machineMs();
    leader = leading;
  }
  return since;
}
