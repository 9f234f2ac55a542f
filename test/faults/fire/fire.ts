import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../support/etcd/expiring-tokens.js';
import { rawCall, rawClient, rawMetadata, rawToken } from '../../support/etcd/raw-services.js';
import { machineMs } from '../../support/machine-ms.js';
import { Dice } from '../../support/random.mjs';
import { Adversary } from './adversary.js';
import { calm } from './calm.js';
import type { Verdict } from './client-verdict.js';
import { faultsFor } from './every-fault.js';
import { insist } from './insist.js';
import { growth, type Levels, measure } from './levels.js';
import { OwnGaps } from './own-gaps.js';
import { Stage, type StageOptions } from './stage.js';
import { verdictOf } from './verdict.js';

export interface FireOptions extends Omit<StageOptions, 'folder'> {
  /** How long there are faults. */
  readonly seconds: number;
}

export interface Report extends Verdict {
  /** Rejections that nobody handled, ends that nobody ordered, warnings. */
  readonly strange: readonly string[];
  /** What there is more of at the end than at the beginning. */
  readonly grown: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  /** Where the journals are. */
  readonly folder: string;
}

/** Of the faults: by then all has been used that grows to its size only. */
const WARM_UP = 0.25;
/** Beyond the time that leases take to expire. */
const QUIET_MS = 8000;

/**
 * Clients and applications at work, faults, a quiet end. Then what all of them have written down is held against what they
 * were promised.
 */
export async function underFire({ seconds, ...options }: FireOptions): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), `hmetcd-fire-${options.seed}-`));
  await using stage = await Stage.start({ ...options, folder });
  await Promise.all(stage.everybody.map((process) => process.up));
  using gaps = new OwnGaps();
  const adversary = new Adversary(stage, faultsFor(stage), new Dice(options.seed));
  const disturbed = { from: machineMs(), to: 0 };
  const attack = async (share: number): Promise<Levels> => {
    await adversary.run(AbortSignal.timeout(seconds * 1000 * share));
    disturbed.to = await calm(stage, gaps, options.sessionTtlSec * 1000 + QUIET_MS);
    return measure(stage);
  };
  const before = await attack(WARM_UP);
  const after = await attack(1 - WARM_UP);
  const last = await lastChange(stage, options.slots);
  const finishedAt = machineMs();
  await Promise.all(stage.everybody.map((process) => process.finish(last)));
  await stage.seen.reaches(await lastChange(stage, options.slots));
  await keep(folder, 'faults', adversary.happened);
  await keep(folder, 'changes', stage.seen.changes);
  const verdict = await verdictOf({
    folder,
    stage,
    disturbed,
    gaps: gaps.found,
    finishedAt,
    sessionTtlSec: options.sessionTtlSec,
    revocations: [...adversary.happened.filter(({ name }) => /revoked/.test(name)), ...stage.staleExpiries],
  });
  return {
    ...verdict,
    counts: { ...verdict.counts, 'leases expired by a leader of before': stage.staleExpiries.length },
    strange: stage.everybody.flatMap(({ strange }) => strange),
    grown: growth(before, after),
    faults: adversary.counts,
    folder,
  };
}

/** Beside the journals of the processes. */
export function keep(folder: string, kind: string, lines: readonly object[]): Promise<void> {
  return writeFile(join(folder, `${kind}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/**
 * Puts a key into every range that is watched, and deletes it, twice; answers the revision of the first deletion: whoever
 * was told of the second was told all of that.
 */
export function lastChange({ cluster }: Stage, slots: number): Promise<number> {
  const keys = ['odd/', ...Array.from({ length: slots }, (_, slot) => `reg/${slot}/`)].map((prefix) =>
    Buffer.from(`${prefix}last`),
  );
  const puts = keys.map((key) => ({ requestPut: { key } }));
  const deletions = keys.map((key) => ({ requestDeleteRange: { key } }));
  return insist('the last change is made', async () => {
    const { client: port } = cluster.member(await cluster.leader()).ports;
    await txn(port, puts);
    const last = await txn(port, deletions);
    await txn(port, puts);
    await txn(port, deletions);
    return last;
  });
}

/** Answers the revision. */
async function txn(port: number, success: readonly object[]): Promise<number> {
  const client = rawClient('KV', port);
  try {
    const metadata = rawMetadata({ token: await rawToken(port, ROOT) });
    const { header } = await rawCall<Answer>(client, 'txn', { success }, metadata);
    return Number(header.revision);
  } finally {
    client.close();
  }
}

interface Answer {
  readonly header: { readonly revision: string };
}
