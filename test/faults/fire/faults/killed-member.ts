import { type Role, memberInRole } from '../role.js';
import type { Fault, Stage } from '../fault.js';
import { lasting } from '../lasting.js';

/** kill -9, and a restart with its data. */
export function killedMember(role: Role): Fault {
  return {
    name: `${role} killed`,
    part: 'members',
    async run(stage, dice, signal) {
      const victim = await memberInRole(role, stage, dice);
      await withoutThem(stage, [victim], 200 + dice.below(2800), signal);
    },
  };
}

/** Two of three: nothing is stored, and nothing read that is not stale. */
export const lostQuorum: Fault = {
  name: 'quorum lost',
  part: 'members',
  async run(stage, dice, signal) {
    const spared = dice.below(stage.cluster.members.length);
    const victims = [...stage.cluster.members.keys()].filter((member) => member !== spared);
    await withoutThem(stage, victims, 200 + dice.below(2000), signal);
  },
};

async function withoutThem(
  { cluster }: Stage,
  numbers: readonly number[],
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const victims = numbers.map((number) => cluster.member(number));
  await lasting({
    begin: () => Promise.all(victims.map((victim) => victim.kill())),
    ms,
    signal,
    undo: async () => {
      // Together: one of two that are down does not serve alone.
      await Promise.all(victims.map((victim) => victim.relaunch()));
      await cluster.whenHealthy();
    },
  });
}
