import type { Fault, Stage } from '../fault.js';
import { insist, insistOnCtl } from '../insist.js';

/** Each is an etcdctl of its own: not all of them at a time. */
const AT_ONCE = 4;

/** A session ends without its client's doing, and with it the locks and temporary keys of that client. */
export const revokedLease: Fault = {
  name: 'one lease revoked',
  part: 'data',
  async run(stage, dice) {
    const leases = await leasesOf(stage);
    if (leases.length > 0) await revoke(stage, dice.pick(leases));
  },
};

/** All sessions end. */
export const revokedLeases: Fault = {
  name: 'all leases revoked',
  part: 'data',
  async run(stage, _, signal) {
    const leases = await leasesOf(stage);
    while (leases.length > 0 && !signal.aborted)
      await Promise.all(leases.splice(0, AT_ONCE).map((lease) => revoke(stage, lease)));
  },
};

async function leasesOf(stage: Stage): Promise<string[]> {
  const list = await insistOnCtl(stage, ['lease', 'list']);
  return list.match(/^[0-9a-f]+$/gm) ?? [];
}

async function revoke(stage: Stage, lease: string): Promise<void> {
  await insist('a lease is revoked', async (attempt) => {
    const member = attempt % stage.cluster.members.length;
    await stage.ctl(member, 'lease', 'revoke', lease).catch(unlessGone);
  });
}

/** It has expired, or its owner was faster. */
function unlessGone(error: Error): void {
  if (!/lease not found/.test(error.message)) throw error;
}
