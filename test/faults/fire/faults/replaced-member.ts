import type { Fault, Stage } from '../fault.js';
import { insist } from '../insist.js';
import { pause } from '../lasting.js';
import { listed } from '../member-list.js';

/** Removed for good, and a new one in its place that has to be given all data. */
export const replacedMember: Fault = {
  name: 'member removed and returned',
  part: 'members',
  async run(stage, dice, signal) {
    const { cluster } = stage;
    const number = dice.below(cluster.members.length);
    const { peerUrl } = (await listed(stage, number))!;
    try {
      await leave(stage, number);
      await pause(dice.below(1000), signal);
    } finally {
      await enter(stage, number, peerUrl);
      await cluster.whenHealthy();
    }
  },
};

/** Neither etcdctl command can be repeated, and one that failed may have been obeyed. */
async function leave(stage: Stage, number: number): Promise<void> {
  await insist('the member is removed', async () => {
    const member = await listed(stage, number, number);
    if (member !== undefined) await stage.ctl(another(stage, number), 'member', 'remove', member.id);
  });
}

async function enter(stage: Stage, number: number, peerUrl: string): Promise<void> {
  await insist('the member is added', async () => {
    if ((await listed(stage, number, number)) !== undefined) return;
    await stage.ctl(another(stage, number), 'member', 'add', `member${number}`, `--peer-urls=${peerUrl}`);
  });
  // It ends at once when it asks one that has not heard of it yet.
  await insist('the member joins', () => stage.cluster.member(number).rejoin());
}

function another({ cluster }: Stage, number: number): number {
  return (number + 1) % cluster.members.length;
}
