import { expect, it } from '@jest/globals';
import { thisProcess } from '../../lib/kvi/owner.js';
import type { Fixture } from './backend.js';

export function lockInfoContract(fixture: Fixture): void {
  it('of a free lock shows nobody', async () => {
    const kvi = await fixture.open();
    expect(await kvi.lockInfo('jobs')).toEqual({ holder: undefined, queue: [] });
  });

  it('shows the holder with its token and process, and who waits, in order', async () => {
    const [one, two, three] = await fixture.openSeveral(3);
    const lock = await one!.lock('jobs');
    const second = two!.lock('jobs');
    await fixture.queueOf('jobs', 2);
    const third = three!.lock('jobs');
    await fixture.queueOf('jobs', 3);
    const { holder, queue } = await one!.lockInfo('jobs');
    expect(holder).toEqual({
      key: lock.key,
      lease: lock.key.slice('jobs/'.length).split('-')[0],
      fencingToken: lock.fencingToken,
      ...thisProcess,
    });
    await lock.release();
    const held = await second;
    await held.release();
    const tokens = [held.fencingToken, (await third).fencingToken];
    expect(queue.map(({ fencingToken }) => fencingToken)).toEqual(tokens);
  });

  it('shows them in order of their coming, whatever their keys are', async () => {
    const kvi = await fixture.open();
    const { id: lease } = await fixture.foreign.leaseGrant(60);
    for (const key of ['jobs/b', 'jobs/c', 'jobs/a']) {
      await fixture.foreign.txn({ success: [{ type: 'put', key, value: '', lease }] });
    }
    const { holder, queue } = await kvi.lockInfo('jobs');
    expect([holder, ...queue].map((place) => place?.key)).toEqual(['jobs/b', 'jobs/c', 'jobs/a']);
  });

  it("is about the options' lock without a name", async () => {
    const kvi = await fixture.open({ lockName: 'mine' });
    await kvi.distLock();
    expect((await kvi.lockInfo()).holder?.key).toMatch(/^mine\//);
  });

  it('shows holders of other programs by lease and key, and nothing that only lies below the name', async () => {
    const kvi = await fixture.open();
    await kvi.store('jobs/data', '{"host":"a","pid":1}');
    const { id: lease } = await fixture.foreign.leaseGrant(60);
    const key = `jobs/${lease}`;
    await fixture.foreign.txn({ success: [{ type: 'put', key, value: '', lease }] });
    const { createRevision } = (await fixture.foreign.range({ key })).kvs[0]!;
    expect(await kvi.lockInfo('jobs')).toEqual({
      holder: { key, lease, fencingToken: createRevision },
      queue: [],
    });
  });
}
