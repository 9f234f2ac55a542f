import type { Fault, Stage } from './fault.js';
import { badWeather, storm } from './faults/bad-weather.js';
import { blackHole, ended, halfOpen, refused, reset, slow } from './faults/broken-links.js';
import { blockedClient, killedClient, stoppedClient } from './faults/clients.js';
import { compaction } from './faults/compaction.js';
import { cutOffMember, halfCutOffMember } from './faults/cut-off-member.js';
import { defragmentation } from './faults/defragmentation.js';
import { killedMember, lostQuorum } from './faults/killed-member.js';
import { movedLeader } from './faults/moved-leader.js';
import { noSpace } from './faults/no-space.js';
import { replacedMember } from './faults/replaced-member.js';
import { revokedLease, revokedLeases } from './faults/revoked-leases.js';
import { memberWithDisk, stalledDisk } from './faults/stalled-disk.js';
import { stoppedMember } from './faults/stopped-member.js';

const EVERYWHERE: readonly Fault[] = [
  killedMember('leader'),
  killedMember('follower'),
  lostQuorum,
  stoppedMember('leader'),
  stoppedMember('follower'),
  cutOffMember('leader'),
  cutOffMember('follower'),
  halfCutOffMember('deaf'),
  halfCutOffMember('unheard'),
  movedLeader,
  replacedMember,
  defragmentation,
  compaction,
  revokedLease,
  revokedLeases,
  noSpace,
  blackHole,
  halfOpen,
  refused,
  reset,
  ended,
  slow,
  badWeather,
  storm,
];

const WITH_PROCESSES: readonly Fault[] = [killedClient, stoppedClient, blockedClient];

/** What can happen to a stage: a disk is only stalled where the machine gave one, and a client where there is one. */
export function faultsFor({ cluster, processes }: Stage): Fault[] {
  return [
    ...EVERYWHERE,
    ...(memberWithDisk(cluster) === undefined ? [] : [stalledDisk]),
    ...(processes.length === 0 ? [] : WITH_PROCESSES),
  ];
}
