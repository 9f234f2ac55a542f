import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type KeyChange, open } from '../../../lib/index.js';
import { machineMs } from '../../support/machine-ms.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { poll } from '../../support/etcd/poll.js';
import { removeFolder, temporaryFolder } from '../../support/etcd/temporary-folder.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { type Interval, type Life, type Operation, readHistory, wholeLines } from '../checkers/history.js';
import { holdsOf } from '../checkers/holds.js';
import { Lives } from '../checkers/lives.js';
import type { Sighting } from '../checkers/membership.js';
import type { TickRun } from '../checkers/once-per-tick.js';
import {
  dueTicks,
  leadershipVerdict,
  membershipVerdict,
  type Quiet,
  tickVerdict,
} from './application-evidence.js';

const SCRIPT = fileURLToPath(new URL('../workloads/application.mjs', import.meta.url));
const TTL_SEC = 3;
const SETTLING_MS = TTL_SEC * 1000 + 2000;
const DUE_TICKS = 4;
const WORK_MS = 1000;
const JOURNAL_OF = /^(.*)\.(\w+)\.jsonl$/;

/** A replica in a process of its own. */
class Application implements AsyncDisposable {
  readonly name: string;
  readonly strange: string[] = [];
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  readonly #from = machineMs();
  readonly #pauses: Interval[] = [];
  #to = Infinity;

  constructor(name: string, seed: number, endpoint: string, folder: string) {
    this.name = name;
    const config = { process: name, endpoints: [endpoint], folder, seed };
    const timing = { requestTimeoutMs: 2000, sessionTtlSec: TTL_SEC };
    this.#child = fork(SCRIPT, [JSON.stringify({ ...config, ...timing })], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#exit = once(this.#child, 'exit');
    this.#child.on('message', ({ strange }: { strange?: string }) => {
      if (strange !== undefined) this.strange.push(strange);
    });
  }

  life(gaps: readonly Interval[]): Life {
    return { process: this.name, from: this.#from, to: this.#to, pauses: [...this.#pauses, ...gaps] };
  }

  async stopDuring(wait: () => Promise<unknown>): Promise<void> {
    const from = machineMs();
    this.#child.kill('SIGSTOP');
    await wait().finally(() => this.#child.kill('SIGCONT'));
    this.#pauses.push({ from, to: machineMs() });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    this.#to = Math.min(this.#to, machineMs());
  }

  /** Resolves with the code that it ends by itself with. */
  async finish(): Promise<unknown> {
    this.#child.send({ finish: true });
    const [code] = await this.#exit;
    return code;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

describe('three applications on one etcd, one stopped, one killed, etcd restarted', () => {
  const applications: Application[] = [];
  let folder: string;
  let etcd: EtcdServer;
  let quiet: Quiet;
  let exits: unknown[];
  let changes: KeyChange[];

  const start = async (name: string): Promise<void> => {
    const application = new Application(name, applications.length, etcd.endpoint, folder);
    applications.push(application);
    await poll(`${name} sees somebody`, () => seers().has(name) || undefined);
  };
  const journals = (kind: string): string[] => [...journalsByProcess(folder, kind).values()];
  const terms = (): Operation[] => readHistory(...journals('terms'));
  const tickRuns = (): TickRun[] => journals('ticks').flatMap(linesOf<TickRun>);
  const sightings = (): Sighting[] => journals('members').flatMap(linesOf<Sighting>);
  const seers = (): Set<string> => new Set(sightings().map(({ seenBy }) => seenBy));
  const lives = (): Life[] => {
    const gaps = journalsByProcess(folder, 'gaps');
    return applications.map((application) =>
      application.life(linesOf<Interval>(gaps.get(application.name) ?? '')),
    );
  };

  /** Resolves with whom the last term is of, as soon as that is somebody else. */
  const leaderAfter = (before?: Application): Promise<Application> =>
    poll('a term', () => {
      const last = holdsOf(terms(), new Lives([])).at(-1);
      const leader = applications.find(({ name }) => name === last?.process);
      return leader === before ? undefined : leader;
    });

  beforeAll(async () => {
    folder = await temporaryFolder('applications');
    etcd = await startEtcd();
    await Promise.all(['app-0.1', 'app-1.1', 'app-2.1'].map(start));

    const stopped = await leaderAfter();
    await delay(WORK_MS);
    await stopped.stopDuring(() => Promise.all([leaderAfter(stopped), delay(TTL_SEC * 1000 + 500)]));
    const killed = await leaderAfter(stopped);
    await delay(WORK_MS);
    await killed.kill();
    await start(killed.name.replace('.1', '.2'));
    await leaderAfter(killed);
    await etcd.restart();

    const from = machineMs();
    await delay(SETTLING_MS + (DUE_TICKS + 1) * 1000);
    quiet = { from, to: machineMs(), sessionTtlSec: TTL_SEC };
    exits = await Promise.all(
      applications.filter((application) => application !== killed).map((application) => application.finish()),
    );
    changes = await replay(etcd.endpoint);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(applications.map((application) => application.kill()));
    await etcd.stop();
    await removeFolder(folder);
  });

  it('have never two leaders, and writes in the order of their terms', () => {
    expect(leadershipVerdict(terms(), lives(), changes)).toEqual([]);
    const leaders = new Set(holdsOf(terms(), new Lives(lives())).map(({ process }) => process));
    expect(leaders.size).toBeGreaterThanOrEqual(2);
    expect(terms().filter(({ op }) => op === 'assert').length).toBeGreaterThan(20);
    expect(changes.filter(({ key }) => key.startsWith('app/fenced/')).length).toBeGreaterThan(20);
  });

  it('run each job once for each tick in quiet', () => {
    expect(tickVerdict(tickRuns(), lives(), quiet)).toEqual([]);
    expect(dueTicks(lives(), quiet).length).toBeGreaterThanOrEqual(1);
    for (const job of ['noted', 'guarded'])
      expect(tickRuns().filter((run) => run.job === job).length).toBeGreaterThanOrEqual(8);
  });

  it('see each other in time', () => {
    expect(membershipVerdict(sightings(), lives(), quiet)).toEqual([]);
    expect([...seers()].toSorted()).toEqual(applications.map(({ name }) => name).toSorted());
  });

  it('end by themselves, and have had nothing strange', () => {
    expect(exits).toEqual([0, 0, 0]);
    expect(applications.flatMap(({ strange }) => strange)).toEqual([]);
  });
});

function journalsByProcess(folder: string, kind: string): Map<string, string> {
  return new Map(
    readdirSync(folder).flatMap((file) => {
      const [, process, itsKind] = JOURNAL_OF.exec(file) ?? [];
      return itsKind === kind ? [[process!, readFileSync(join(folder, file), 'utf8')] as const] : [];
    }),
  );
}

function linesOf<Line>(journal: string): Line[] {
  return wholeLines(journal).map((line) => JSON.parse(line) as Line);
}

/** All that happened to the keys of the applications. */
async function replay(endpoint: string): Promise<KeyChange[]> {
  const kvi = await open(endpoint, { logger: new RecordingLogger() });
  const changes: KeyChange[] = [];
  try {
    await kvi.store('app/end', '');
    for await (const change of kvi.changes({ prefix: 'app/' }, { fromRevision: 1 })) {
      if (change.key === 'app/end') break;
      changes.push(change);
    }
  } finally {
    await kvi.close();
  }
  return changes;
}
