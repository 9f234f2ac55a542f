import type { MemberHealth, StoreHealth } from '../store/store.js';
import type { KviHealth, KviHealthStatus, SessionHealth } from './kvi.js';

/** What was found out of a handle, and what is too much of it. */
interface Findings {
  readonly store: StoreHealth;
  readonly session: SessionHealth;
  /** For how many milliseconds views have had nothing to follow, each that has not. */
  readonly brokenMs: readonly number[];
  readonly timeoutMs: number;
  readonly tolerableMs: number;
}

interface Problem {
  readonly status: KviHealthStatus;
  readonly reason: string;
}

export const CLOSED_HEALTH: KviHealth = {
  status: 'closed',
  reason: 'The handle is closed: close() was called on it, or its application shut down.',
  members: [],
  session: { state: 'none' },
  watchesBehindMs: 0,
};

/** Names everything that is wrong, the gravest first. */
export function judgeHealth(findings: Findings): KviHealth {
  const { members, watchesCutOffMs = 0 } = findings.store;
  const watchesBehindMs = Math.round(Math.max(watchesCutOffMs, ...findings.brokenMs));
  const problems = [
    storeProblem(members, findings.timeoutMs),
    alarmProblem(members),
    sessionProblem(findings.session),
    watchProblem(watchesBehindMs, findings.tolerableMs),
  ].filter((problem) => problem !== undefined);
  return {
    status: problems[0]?.status ?? 'healthy',
    reason: problems.length === 0 ? undefined : problems.map(({ reason }) => reason).join(' '),
    members,
    session: findings.session,
    watchesBehindMs,
  };
}

/** One that answered the read had a quorum for it, whatever the others say. */
function storeProblem(members: readonly MemberHealth[], timeoutMs: number): Problem | undefined {
  if (members.some(({ read }) => read === 'answered')) return undefined;
  const said = members.map(whatItSaid).join('; ');
  if (members.some(({ read }) => read === 'refused')) {
    return {
      status: 'refused',
      reason: `The store does not accept the user, password or certificate: ${said}.`,
    };
  }
  const reachable = members.filter(({ isReachable }) => isReachable).length;
  const inTime = `within ${Math.round(timeoutMs)} ms`;
  if (reachable === 0) {
    return { status: 'unreachable', reason: `No server of the store answered ${inTime}: ${said}.` };
  }
  return {
    status: 'no-quorum',
    reason: `No linearizable read was answered ${inTime}, though ${reachable} of ${members.length} servers can be reached: quorum or leader is lost. ${said}.`,
  };
}

function whatItSaid({ endpoint, hasLeader, failure }: MemberHealth): string {
  const leader = hasLeader === false ? 'knows no leader, ' : '';
  return `${endpoint}: ${leader}${failure}`;
}

function alarmProblem(members: readonly MemberHealth[]): Problem | undefined {
  const alarms = [...new Set(members.flatMap((member) => member.alarms))];
  if (alarms.length === 0) return undefined;
  const advice = alarms.includes('NOSPACE')
    ? ' Writes are refused. Compact, defragment and disarm the alarm, or raise --quota-backend-bytes.'
    : '';
  return { status: 'alarm', reason: `The store raised an alarm: ${alarms.join(', ')}.${advice}` };
}

function sessionProblem(session: SessionHealth): Problem | undefined {
  if (session.state !== 'at-risk') return undefined;
  return {
    status: 'session-at-risk',
    reason: `Keep-alives are not answered: the session, its locks and temporary keys are lost in ${session.lostInMs} ms.`,
  };
}

function watchProblem(behindMs: number, tolerableMs: number): Problem | undefined {
  if (behindMs <= tolerableMs) return undefined;
  return {
    status: 'watches-behind',
    reason: `Watches have been cut off for ${behindMs} ms: changes come late.`,
  };
}
