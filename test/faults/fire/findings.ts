import { removeFolder } from '../../support/etcd/temporary-folder.js';

/** Lists of what was found, or of these by the name of who found it. */
type Findings = Readonly<Record<string, readonly string[] | Readonly<Record<string, readonly string[]>>>>;

/**
 * What was found, without the checkers that have found nothing. If that is nothing at all, the journals go; else it is
 * said where they are.
 */
export async function findingsOf<F extends Findings>(
  folder: string,
  seed: number,
  { violations, ...others }: F & { readonly violations: Readonly<Record<string, readonly string[]>> },
): Promise<object> {
  const told = Object.entries(violations).filter(([, found]) => found.length > 0);
  const findings = { ...others, violations: Object.fromEntries(told) };
  const isWell = Object.values(findings).every((found) => Object.keys(found).length === 0);
  if (isWell) await removeFolder(folder);
  else process.stdout.write(`The journals are in ${folder}; FIRE_SEED=${seed} repeats the schedule.\n`);
  return findings;
}
