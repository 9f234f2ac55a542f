import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { rawCall, rawClient } from '../../support/etcd/raw-services.js';
import { machineMs } from '../../support/machine-ms.js';
import { clientVerdict, type Verdict } from './client-verdict.js';
import { Journals } from './journals.js';
import { growth, measure } from './levels.js';
import { Stage, type StageOptions } from './stage.js';

export interface FireOptions extends Omit<StageOptions, 'folder'> {
  /** How long there are faults. */
  readonly seconds: number;
}

export interface Report extends Verdict {
  readonly faults: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  /** Rejections that nobody handled, ends that nobody ordered, warnings. */
  readonly strange: readonly string[];
  /** Where the journals are. */
  readonly folder: string;
}

const WARM_UP_MS = 4000;

/** Clients and applications at work, faults, a quiet end; and then what all of them have seen is held against what was promised. */
export async function underFire({ seconds, ...options }: FireOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), `hmetcd-fire-${options.seed}-`));
  await using stage = await Stage.start({ ...options, folder });
  await delay(WARM_UP_MS);
  const before = await measure(stage);
  const from = machineMs();
  await delay(seconds * 1000);
  const disturbed = { from, to: machineMs() };
  await delay(options.sessionTtlSec * 1000 + 4000);
  const after = await measure(stage);
  console.log(
    JSON.stringify([before, after].map((l) => ({ ...l, processes: [...l.processes] }))),
    growth(before, after),
  );
  const last = await lastChange(stage, options.slots);
  const finishedAt = machineMs();
  await Promise.all(stage.everybody.map((process) => process.finish(last)));
  await stage.seen.reaches(last);
  const clients = stage.everybody.filter(({ name }) => name.startsWith('client'));
  const verdict = await clientVerdict({
    journals: clients.flatMap(({ names }) => names).map((name) => new Journals(folder, name)),
    lives: clients.flatMap(({ lives }) => lives),
    changes: stage.seen.changes,
    disturbed,
    finishedAt,
    sessionTtlSec: options.sessionTtlSec,
  });
  return {
    ...verdict,
    faults: [],
    strange: stage.everybody.flatMap(({ strange }) => strange),
    folder,
  };
}

/** Puts a key into every range that is watched, and deletes it; answers the revision of that. */
async function lastChange({ cluster }: Stage, slots: number): Promise<number> {
  const client = rawClient('KV', cluster.member(await cluster.leader()).ports.client);
  const keys = ['odd/', ...Array.from({ length: slots }, (_, slot) => `reg/${slot}/`)].map((prefix) =>
    Buffer.from(`${prefix}last`),
  );
  const txn = (success: object[]): Promise<{ header: { revision: string } }> =>
    rawCall(client, 'txn', { success });
  try {
    await txn(keys.map((key) => ({ requestPut: { key } })));
    const { header } = await txn(keys.map((key) => ({ requestDeleteRange: { key } })));
    return Number(header.revision);
  } finally {
    client.close();
  }
}
