import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from '../../support/etcd/expiring-tokens.js';
import { poll } from '../../support/etcd/poll.js';
import { rawCall, rawClient, rawMetadata, rawToken } from '../../support/etcd/raw-services.js';
import { machineMs } from '../../support/machine-ms.js';
import { keep, lastChange } from './fire.js';
import { Recorder } from './recorder.js';
import type { Verdict } from './client-verdict.js';
import { restoreVerdict } from './restore-verdict.js';
import { Stage, type StageOptions } from './stage.js';

export interface RestoreReport extends Verdict {
  /** Rejections that nobody handled, ends that nobody ordered, warnings. */
  readonly strange: readonly string[];
  /** Where the journals are. */
  readonly folder: string;
}

const BEFORE_MS = 3000;
/** What is done in it is taken back. Until all have noticed, the store must not come so far again. */
const LOST_MS = 5000;
/** Locks that the backup knows are free when their leases have expired. */
const AFTER_MS = 12_000;
/** So many changes more than anybody makes in a few seconds: the store comes back far behind what all have seen. */
const HEIGHT = 3000;
const AT_ONCE = 50;
/** What was under way when the processes stopped has arrived by then. */
const ARRIVAL_MS = 100;

/** Clients at work, and a cluster that is put back to a backup under them. */
export async function throughRestore(
  options: Omit<StageOptions, 'folder' | 'applications'>,
): Promise<RestoreReport> {
  const folder = await mkdtemp(join(tmpdir(), `hmetcd-restore-${options.seed}-`));
  await using stage = await Stage.start({ ...options, applications: 0, folder });
  await Promise.all(stage.everybody.map((process) => process.up));
  await delay(BEFORE_MS);
  const snapshot = join(folder, 'snapshot.db');
  await stage.ctl(0, 'snapshot', 'save', snapshot);
  await Promise.all([delay(LOST_MS), climb(stage)]);
  const { cutAt, wokenAt } = await restore(stage, snapshot);
  await using seen = new Recorder(
    stage.cluster.members.map(({ ports }) => ports.client),
    ROOT,
  );
  await delay(AFTER_MS);
  const last = await lastChange(stage, options.slots);
  const finishedAt = machineMs();
  await Promise.all(stage.everybody.map((process) => process.finish(last)));
  const state = await readAll(stage);
  await seen.reaches(state.revision);
  await keep(folder, 'changes-before', stage.seen.changes);
  await keep(folder, 'changes-after', seen.changes);
  const verdict = await restoreVerdict({
    folder,
    processes: stage.everybody,
    before: stage.seen.changes,
    after: seen.changes,
    snapshotRevision: await revisionOf(stage, snapshot),
    cutAt,
    wokenAt,
    finishedAt,
    sessionTtlSec: options.sessionTtlSec,
    state,
  });
  return { ...verdict, strange: stage.everybody.flatMap(({ strange }) => strange), folder };
}

/** Changes a key that nobody looks at, again and again. */
async function climb({ cluster }: Stage): Promise<void> {
  const { client: port } = cluster.member(0).ports;
  const client = rawClient('KV', port);
  try {
    const key = Buffer.from('climb');
    for (let height = 0; height < HEIGHT; height += AT_ONCE) {
      // On a busy machine one token does not last for all.
      const metadata = rawMetadata({ token: await rawToken(port, ROOT) });
      const put = (): Promise<unknown> => rawCall(client, 'put', { key }, metadata);
      await Promise.all(Array.from({ length: AT_ONCE }, put));
    }
  } finally {
    client.close();
  }
}

/**
 * The processes stand still until the last that they may have been told of is recorded, and the members are gone.
 *
 * @returns `cutAt`, before which all that they did was done in the first history, and after which in the second; and when
 * they went on
 */
async function restore(stage: Stage, snapshot: string): Promise<{ cutAt: number; wokenAt: number }> {
  const { members } = stage.cluster;
  for (const process of stage.everybody) process.stop();
  const cutAt = machineMs();
  await stage.seen.reaches(await restingRevision(stage));
  await stage.seen[Symbol.asyncDispose]();
  await Promise.all(members.map((member) => member.kill()));
  for (const process of stage.everybody) process.goOn();
  const wokenAt = machineMs();
  await Promise.all(members.map((member) => member.restoreSnapshot(snapshot)));
  return { cutAt, wokenAt };
}

/** The store's, when nobody changes anything any more. */
async function restingRevision(stage: Stage): Promise<number> {
  let before = 0;
  return poll('the store is at rest', async () => {
    await delay(ARRIVAL_MS);
    const { revision } = await readAll(stage);
    const isAtRest = revision === before;
    before = revision;
    return isAtRest ? revision : undefined;
  });
}

async function revisionOf(stage: Stage, snapshot: string): Promise<number> {
  const status = JSON.parse(await stage.ctl(0, 'snapshot', 'status', snapshot, '-w', 'json')) as object;
  return (status as { readonly revision: number }).revision;
}

/** All keys that are not the library's own. */
async function readAll(stage: Stage): Promise<{ revision: number; entries: (readonly [string, string])[] }> {
  // etcdctl takes this for every key from the least on.
  const answer = JSON.parse(await stage.ctl(0, 'get', '', '--from-key', '-w', 'json')) as {
    readonly header: { readonly revision: number };
    readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
  };
  const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString();
  const entries = (answer.kvs ?? []).map(({ key, value }) => [text(key), text(value)] as const);
  return { revision: answer.header.revision, entries: entries.filter(([key]) => !key.startsWith('\0')) };
}
