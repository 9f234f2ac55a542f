import { raiseNoSpace } from '../../../support/etcd/alarm.js';
import type { Fault } from '../fault.js';
import { insist, insistOnCtl } from '../insist.js';
import { lasting } from '../lasting.js';

/** As a full quota: deletions and reads go on, whatever stores is refused. */
export const noSpace: Fault = {
  name: 'no space',
  part: 'data',
  async run(stage, dice, signal) {
    const { members } = stage.cluster;
    await lasting({
      begin: () =>
        insist('the alarm is raised', (attempt) =>
          raiseNoSpace(members[attempt % members.length]!.endpoint, stage.root),
        ),
      ms: 300 + dice.below(2700),
      signal,
      undo: () =>
        insist('the alarm is disarmed', async () => {
          await insistOnCtl(stage, ['alarm', 'disarm']);
          if ((await insistOnCtl(stage, ['alarm', 'list'])).trim() !== '')
            throw new Error('it is still there');
        }),
    });
  },
};
