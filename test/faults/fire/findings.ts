import { removeFolder } from '../../support/etcd/temporary-folder.js';

type Found = Readonly<Record<string, readonly string[]>>;

/** Lists of what was found; the violations by the name of the checker. */
interface Findings {
  readonly violations: Found;
  readonly [other: string]: readonly string[] | Found;
}

/**
 * What was found, without the checkers that have found nothing. If that is nothing at all, the journals go; else it is
 * said where they are.
 */
export async function findingsOf(
  folder: string,
  seed: number,
  { violations, ...others }: Findings,
): Promise<object> {
  const told = Object.entries(violations).filter(([, found]) => found.length > 0);
  const findings = { ...others, violations: Object.fromEntries(told) };
  const isWell = Object.values(findings).every((found) => Object.keys(found).length === 0);
  if (isWell) await removeFolder(folder);
  else process.stdout.write(`The journals are in ${folder}; FIRE_SEED=${seed} repeats the schedule.\n`);
  return findings;
}
