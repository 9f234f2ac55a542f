import { setTimeout as delay } from 'node:timers/promises';
import type { Administered } from './fault.js';

const PERIOD_MS = 50;
/** For what never comes: whatever is in the way is over before. */
const TIMEOUT_MS = 30_000;

/** Tries until it succeeds, because another fault may be in the way. The attempts are told their number. */
export async function insist<T>(what: string, attempt: (number: number) => Promise<T>): Promise<T> {
  const end = performance.now() + TIMEOUT_MS;
  for (let number = 0; ; number++) {
    try {
      return await attempt(number);
    } catch (cause) {
      if (performance.now() > end) throw new Error(`${what}: not within ${TIMEOUT_MS} ms`, { cause });
      await delay(PERIOD_MS);
    }
  }
}

/** Has etcdctl do what may be done twice, through whichever member can; but for `except`. */
export function insistOnCtl(stage: Administered, args: readonly string[], except?: number): Promise<string> {
  const members = [...stage.cluster.members.keys()].filter((member) => member !== except);
  return insist(`etcdctl ${args.join(' ')}`, (number) =>
    stage.ctl(members[number % members.length]!, ...args, '--command-timeout=2s'),
  );
}
