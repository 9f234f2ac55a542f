import type { EtcdCluster } from '../../../support/etcd/etcd-cluster.js';
import type { LoopDisk } from '../../../support/etcd/loop-disk.js';
import type { Fault } from '../fault.js';
import { lasting } from '../lasting.js';
import { moveLeader } from '../move-leader.js';

/** The member with a disk of its own leads, and then writes nothing: the others elect another, without its knowing. */
export const stalledDisk: Fault = {
  name: 'disk stalled under the leader',
  part: 'members',
  async run(stage, dice, signal) {
    const { member, disk } = memberWithDisk(stage.cluster)!;
    await moveLeader(stage, member);
    await lasting({
      begin: () => disk.freeze(),
      ms: 1000 + dice.below(7000),
      signal,
      undo: async () => {
        await disk.thaw();
        await stage.cluster.whenHealthy();
      },
    });
  },
};

/** The machine does not give one everywhere. */
export function memberWithDisk({ members }: EtcdCluster): { member: number; disk: LoopDisk } | undefined {
  const member = members.findIndex(({ disk }) => disk !== undefined);
  const disk = members[member]?.disk;
  return disk && { member, disk };
}
