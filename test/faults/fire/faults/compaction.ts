import type { Fault } from '../fault.js';
import { insist } from '../insist.js';

/** Often up to where the recorder is: whoever is behind it must do without the events. */
const MARGINS = [0, 0, 10, 100];

export const compaction: Fault = {
  name: 'history compacted',
  part: 'data',
  async run(stage, dice) {
    const revision = Math.max(1, stage.seen.revision - dice.pick(MARGINS));
    const physically = dice.percent(50) ? ['--physical'] : [];
    const first = dice.below(stage.cluster.members.length);
    await insist('the history is compacted', async (attempt) => {
      const member = (first + attempt) % stage.cluster.members.length;
      await stage.ctl(member, 'compact', `${revision}`, ...physically).catch(unlessCompacted);
    });
  },
};

/** An earlier attempt, whose answer did not come, or another compaction has done it. */
function unlessCompacted(error: Error): void {
  if (!/has been compacted/.test(error.message)) throw error;
}
