import { type Role, memberInRole } from '../role.js';
import type { Fault, Stage } from '../fault.js';
import { lasting } from '../lasting.js';

/** No other member hears of it, but clients do. */
export function cutOffMember(role: Role): Fault {
  return {
    name: `${role} cut off from its peers`,
    part: 'members',
    async run(stage, dice, signal) {
      const victim = await memberInRole(role, stage, dice);
      await lasting({
        begin: () => stage.cluster.isolate(victim),
        ms: 500 + dice.below(3000),
        signal,
        undo: () => mend(stage),
      });
    },
  };
}

/** One way only. Deaf: what it says is heard, it hears no answer. Unheard: it hears all, and nobody answers it. */
export function halfCutOffMember(how: 'deaf' | 'unheard'): Fault {
  return {
    name: `member ${how}`,
    part: 'members',
    async run(stage, dice, signal) {
      const { network, members } = stage.cluster;
      const victim = dice.below(members.length);
      const others = [...members.keys()].filter((member) => member !== victim);
      // Members call those whom they want to hear.
      const lines = others.map((other) =>
        how === 'deaf' ? network.link(victim, other) : network.link(other, victim),
      );
      await lasting({
        begin: () => Promise.all(lines.map((line) => line.hold())),
        ms: 500 + dice.below(2500),
        signal,
        undo: () => mend(stage),
      });
    },
  };
}

async function mend({ cluster }: Stage): Promise<void> {
  await cluster.heal();
  await cluster.whenHealthy();
}
