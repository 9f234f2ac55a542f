import type { Dice } from '../../support/random.mjs';
import type { Stage } from './fault.js';

export type Role = 'leader' | 'follower';

/** The number of a member that has that role now. */
export async function memberInRole(role: Role, { cluster }: Stage, dice: Dice): Promise<number> {
  return role === 'leader' ? cluster.leader() : dice.pick(await cluster.followers());
}
