import type { Interval, Life, Operation } from '../checkers/history.js';
import type { Sighting } from '../checkers/membership.js';
import { withRevocations } from '../checkers/revocations.js';
import {
  leadershipVerdict,
  membershipVerdict,
  termsBesideMethods,
  tickVerdict,
  type TimedRun,
} from './application-evidence.js';
import { clientVerdict, type Verdict } from './client-verdict.js';
import { Journals } from './journals.js';
import type { Stage } from './stage.js';

export interface Remains {
  readonly folder: string;
  readonly stage: Pick<Stage, 'everybody' | 'seen'>;
  /** From the first fault until all were over. */
  readonly disturbed: Interval;
  /** When whatever lies between clients and members stood still, faults or not. */
  readonly gaps: readonly Interval[];
  /** When the processes were told to close everything. */
  readonly finishedAt: number;
  readonly sessionTtlSec: number;
  /** When leases were being revoked. */
  readonly revocations: readonly Interval[];
}

/** Holds what is left of a run against what was promised. */
export async function verdictOf({
  folder,
  stage,
  disturbed,
  gaps,
  finishedAt,
  sessionTtlSec,
  revocations,
}: Remains): Promise<Verdict> {
  const { changes } = stage.seen;
  const heard = (revision: number): Interval => stage.seen.heard(revision);
  const revoked = (operations: readonly Operation[]): Operation[] =>
    withRevocations(operations, changes, revocations, heard);
  const of = async (script: 'clients' | 'application'): Promise<{ journals: Journals[]; lives: Life[] }> => {
    const processes = stage.everybody.filter((process) => process.script === script);
    const journals = processes.flatMap(({ names }) => names).map((name) => new Journals(folder, name));
    const lives = processes.flatMap((process) => process.lives);
    return {
      journals,
      lives: await Promise.all(lives.map((life, number) => journals[number]!.withGaps(life))),
    };
  };
  const clients = await clientVerdict({
    ...(await of('clients')),
    changes,
    revoked,
    disturbed,
    gaps,
    finishedAt,
    sessionTtlSec,
  });
  const { journals, lives } = await of('application');
  if (journals.length === 0) return clients;
  const all = async <Line>(kind: string): Promise<Line[]> =>
    (await Promise.all(journals.map((journal) => journal.lines<Line>(kind)))).flat();
  const terms = (await Promise.all(journals.map((journal) => journal.history('terms')))).flat();
  const [runs, sightings] = [await all<TimedRun>('ticks'), await all<Sighting>('members')];
  const quiet = { from: disturbed.to, to: finishedAt, sessionTtlSec };
  return {
    ...clients,
    violations: {
      ...clients.violations,
      'leaders are one at a time': leadershipVerdict(revoked(terms), lives, changes),
      'terms begin when methods have ended': termsBesideMethods(terms, lives),
      'jobs run once a tick': tickVerdict(runs, lives, quiet),
      'members agree': membershipVerdict(sightings, lives, quiet),
    },
    counts: {
      ...clients.counts,
      terms: terms.filter(({ op }) => op === 'acquire').length,
      'runs of jobs': runs.length,
      sightings: sightings.length,
    },
  };
}
