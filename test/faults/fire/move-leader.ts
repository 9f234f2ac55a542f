import type { Administered } from './fault.js';
import { insist } from './insist.js';
import { listed } from './member-list.js';

/** A no-op where it leads already. */
export async function moveLeader(stage: Administered, to: number): Promise<void> {
  const { id } = (await listed(stage, to))!;
  await insist('the leader is moved', async () => {
    const leader = await stage.cluster.leader();
    if (leader !== to) await stage.ctl(leader, 'move-leader', id);
  });
}
