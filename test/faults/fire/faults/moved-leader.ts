import type { Fault } from '../fault.js';
import { moveLeader } from '../move-leader.js';

/** As before maintenance; nothing is lost but the time of an election. */
export const movedLeader: Fault = {
  name: 'leader moved',
  part: 'members',
  async run(stage, dice) {
    await moveLeader(stage, dice.pick(await stage.cluster.followers()));
    await stage.cluster.whenHealthy();
  },
};
