import type { Fault } from '../fault.js';
import { insist } from '../insist.js';

/** The member answers nothing meanwhile. */
export const defragmentation: Fault = {
  name: 'member defragmented',
  part: 'members',
  async run(stage, dice) {
    const member = dice.below(stage.cluster.members.length);
    await insist('the member is defragmented', () => stage.ctl(member, 'defrag'));
    await stage.cluster.whenHealthy();
  },
};
