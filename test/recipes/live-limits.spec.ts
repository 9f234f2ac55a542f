import { expect, it } from '@jest/globals';
import { Importer, ImportLimitsAdmin, LIMITS_KEY, PAUSED_KEY } from '../../sample/recipes/live-limits.js';
import { poll } from '../support/etcd/poll.js';
import { Fleet } from './support/fleet.js';

async function startFleet() {
  const fleet = new Fleet();
  const providers = [Importer, ImportLimitsAdmin];
  const replicas = [await fleet.replica({ providers }), await fleet.replica({ providers })];
  return {
    fleet,
    operator: await fleet.operator(),
    replicas,
    importers: replicas.map((app) => app.get(Importer)),
  };
}

/** How many imports a replica begins at once. */
async function room(importer: Importer): Promise<number> {
  const ends = new AbortController();
  const ended = new Promise<void>((resolve) => ends.signal.addEventListener('abort', () => resolve()));
  const running: Promise<boolean>[] = [];
  while (importer.hasRoom) running.push(importer.tryImport(() => ended));
  expect(await importer.tryImport(() => ended)).toBe(false);
  ends.abort();
  await Promise.all(running);
  return running.length;
}

/** Waits until each replica has that much room. */
async function untilRoom(importers: Importer[], expected: number): Promise<void> {
  await poll(`each replica has room for ${expected}`, async () => {
    const rooms = await Promise.all(importers.map(room));
    return rooms.every((count) => count === expected) || undefined;
  });
}

it('begins with the default, and follows what an operator writes, on each replica', async () => {
  const { operator, importers } = await startFleet();
  expect(await Promise.all(importers.map(room))).toEqual([4, 4]);
  await operator.store(LIMITS_KEY, '{"parallel": 7}');
  await untilRoom(importers, 7);
  await operator.delete(LIMITS_KEY);
  await untilRoom(importers, 4);
});

it('keeps the last good limits, and says what is wrong without the text', async () => {
  const { fleet, operator, importers } = await startFleet();
  await operator.store(LIMITS_KEY, '{"parallel": 2}');
  await untilRoom(importers, 2);
  await operator.store(LIMITS_KEY, '{"parallel": 65}');
  expect(await fleet.logger.line('error', /config\/import/)).toMatch(/parallel/);
  expect(await Promise.all(importers.map(room))).toEqual([2, 2]);
});

it('pauses every replica while the key exists, one that starts meanwhile too', async () => {
  const { fleet, operator, importers } = await startFleet();
  await operator.store(PAUSED_KEY, 'a look at the database');
  await untilRoom(importers, 0);
  const late = await fleet.replica({ providers: [Importer] });
  expect(late.get(Importer).isPaused).toBe(true);
  await operator.delete(PAUSED_KEY);
  await untilRoom([...importers, late.get(Importer)], 4);
});

it('ends an import that takes longer than it may', async () => {
  const { operator, importers } = await startFleet();
  await operator.store(LIMITS_KEY, '{"parallel": 1, "timeoutMs": 1}');
  await untilRoom(importers, 1);
  const waited = importers[0]!.tryImport(
    (signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  await expect(waited).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(importers[0]!.hasRoom).toBe(true);
});

it('changes what is asked for and nothing else, and refuses what would be no good limits', async () => {
  const { operator, replicas, importers } = await startFleet();
  const admin = replicas[0]!.get(ImportLimitsAdmin);
  await admin.change({ timeoutMs: 100 });
  await admin.change({ parallel: 3 });
  expect(JSON.parse((await operator.get(LIMITS_KEY))!)).toEqual({ parallel: 3, timeoutMs: 100 });
  await untilRoom(importers, 3);
  await expect(admin.change({ parallel: 0 })).rejects.toMatchObject({ name: 'ZodError' });
});

it('does not overwrite what another replica has set at the same time', async () => {
  const { operator, replicas } = await startFleet();
  const [one, other] = replicas.map((app) => app.get(ImportLimitsAdmin));
  const outcomes = await Promise.allSettled([one!.change({ parallel: 3 }), other!.change({ timeoutMs: 1 })]);
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  await one!.change({ parallel: 5 });
  const wins = outcomes[0].status === 'fulfilled' ? 5000 : 1;
  expect(JSON.parse((await operator.get(LIMITS_KEY))!)).toEqual({ parallel: 5, timeoutMs: wins });
});
