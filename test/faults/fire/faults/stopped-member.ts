import { type Role, memberInRole } from '../role.js';
import type { Fault } from '../fault.js';
import { lasting } from '../lasting.js';

/** SIGSTOP: its connections stay, nothing is answered, and when it goes on it knows of nothing. */
export function stoppedMember(role: Role): Fault {
  return {
    name: `${role} stopped`,
    part: 'members',
    async run(stage, dice, signal) {
      const victim = stage.cluster.member(await memberInRole(role, stage, dice));
      await lasting({
        begin: () => victim.pause(),
        ms: 500 + dice.below(3500),
        signal,
        undo: async () => {
          victim.resume();
          await stage.cluster.whenHealthy();
        },
      });
    },
  };
}
