import type { EtcdServer } from '../../../support/etcd/etcd-server.js';
import { machineMs } from '../../../support/machine-ms.js';
import type { Fault, Stage } from '../fault.js';
import { lasting } from '../lasting.js';
import { memberInRole, type Role } from '../role.js';

/** SIGSTOP: its connections stay, nothing is answered, and when it goes on it knows of nothing. */
export function stoppedMember(role: Role): Fault {
  return {
    name: `${role} stopped`,
    part: 'members',
    async run(stage, dice, signal) {
      const number = await memberInRole(role, stage, dice);
      const victim = stage.cluster.member(number);
      const expiredBefore = await expiredBy(victim);
      await lasting({
        begin: () => victim.pause(),
        ms: 500 + dice.below(3500),
        signal,
        undo: () => goOn(stage, number, expiredBefore),
      });
    },
  };
}

async function goOn({ cluster, staleExpiries }: Stage, number: number, expiredBefore: number): Promise<void> {
  const victim = cluster.member(number);
  const from = machineMs();
  victim.resume();
  await cluster.whenHealthy();
  const isDeposed = (await cluster.leader()) !== number;
  if (isDeposed && (await expiredBy(victim)) > expiredBefore) staleExpiries.push({ from, to: machineMs() });
}

/** How many leases this member has let expire as a leader. */
async function expiredBy(member: EtcdServer): Promise<number> {
  return (await member.metrics()).sum('etcd_debugging_server_lease_expired_total');
}
