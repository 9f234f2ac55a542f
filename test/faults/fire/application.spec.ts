import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type KeyChange, open } from '../../../lib/index.js';
import { machineMs } from '../../etcd/support/replicas.js';
import { type EtcdServer, startEtcd } from '../../support/etcd/etcd-server.js';
import { poll } from '../../support/etcd/poll.js';
import { removeFolder, temporaryFolder } from '../../support/etcd/temporary-folder.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { type Interval, type Life, wholeLines } from '../checkers/history.js';
import {
  dueTicks,
  leadershipVerdict,
  membershipVerdict,
  type Quiet,
  sightingsOf,
  termsOf,
  tickRunsOf,
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
  readonly #up: Promise<void>;
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
    this.#up = new Promise((resolve) => {
      this.#child.on('message', (message: { up?: true; strange?: string }) => {
        if (message.up) resolve();
        if (message.strange !== undefined) this.strange.push(message.strange);
      });
    });
  }

  up(): Promise<void> {
    return this.#up;
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
    await application.up();
  };
  const journals = (kind: string): string[] => [...journalsByProcess(folder, kind).values()];
  const lives = (): Life[] => {
    const gaps = journalsByProcess(folder, 'gaps');
    return applications.map((application) =>
      application.life(
        wholeLines(gaps.get(application.name) ?? '').map((line) => JSON.parse(line) as Interval),
      ),
    );
  };

  /** Resolves with whom the last term is of, as soon as that is somebody else. */
  const leaderAfter = (before?: Application): Promise<Application> =>
    poll('a term', () => {
      const last = termsOf(journals('terms'), []).at(-1);
      const leader = applications.find(({ name }) => name === last?.process);
      return leader === before ? undefined : leader;
    });

  beforeAll(async () => {
    folder = await temporaryFolder('fire');
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
    expect(leadershipVerdict(journals('terms'), lives(), changes)).toEqual([]);
    const leaders = new Set(termsOf(journals('terms'), lives()).map(({ process }) => process));
    expect(leaders.size).toBeGreaterThanOrEqual(2);
    expect(
      journals('terms')
        .join('')
        .match(/"op":"assert"/g)!.length,
    ).toBeGreaterThan(20);
    expect(changes.length).toBeGreaterThan(20);
  });

  it('run each job once for each tick in quiet', () => {
    expect(tickVerdict(journals('ticks'), lives(), quiet)).toEqual([]);
    expect(dueTicks(lives(), quiet).length).toBeGreaterThanOrEqual(1);
    const ticksOf = (wanted: string): number =>
      tickRunsOf(journals('ticks')).filter(({ job }) => job === wanted).length;
    expect(ticksOf('noted')).toBeGreaterThanOrEqual(8);
    expect(ticksOf('guarded')).toBeGreaterThanOrEqual(8);
  });

  it('see each other in time', () => {
    expect(membershipVerdict(journals('members'), lives(), quiet)).toEqual([]);
    const seers = new Set(sightingsOf(journals('members')).map(({ seenBy }) => seenBy));
    expect([...seers].toSorted()).toEqual(applications.map(({ name }) => name).toSorted());
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
