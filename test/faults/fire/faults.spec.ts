import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { OutcomeUnknownError, RequestTimeoutError, UnavailableError } from '../../../lib/store/errors.js';
import { type Connection, connect } from '../../etcd/support/connect.js';
import { startCluster } from '../../support/etcd/etcd-cluster.js';
import { type Fate, startGrpcRequestProxy } from '../../support/etcd/grpc-request-proxy.js';
import { fetchPage } from '../../support/etcd/loopback-http.js';
import { type LoopDisk, tryLoopDisk } from '../../support/etcd/loop-disk.js';
import { poll } from '../../support/etcd/poll.js';
import { startProxy, type TcpProxy } from '../../support/etcd/tcp-proxy.js';
import { Dice } from '../../support/random.mjs';
import { Adversary } from './adversary.js';
import { faultsFor } from './every-fault.js';
import type { Fault, Stage } from './fault.js';
import { listed } from './member-list.js';
import { IdleProcess } from './support/idle-process.js';
import { Pulse } from './support/pulse.js';
import { Weather } from './weather.js';

const SEED = Number(process.env.FIRE_SEED ?? 1);
const ADVERSARY_MS = 8000;

const TIMEOUT_MS = 5000;
/** What is not disturbed answers sooner, and what is disturbed does not. */
const PROMPT_MS = 400;

/** All lasts as long as it may, and times of seconds longer: there is time to see what it does, which ends it. */
class LongestDice extends Dice {
  override below(end: number): number {
    return end > 1000 ? 3 * end : end - 1;
  }
}

let stage: Stage & { readonly seen: { revision: number } };
let disk: LoopDisk | Error;
let idle: IdleProcess;
let connections: Connection[];
let pulses: Pulse[];

beforeAll(async () => {
  disk = await tryLoopDisk();
  idle = await IdleProcess.start();
  const cluster = await startCluster({ peerProxies: true, disk: disk instanceof Error ? undefined : disk });
  const ports = cluster.members.map((member) => member.ports.client);
  const weather = new Weather(new Dice(SEED));
  const fates = (method: string): Fate => weather.fateOf(method);
  stage = {
    cluster,
    weather,
    seen: { revision: 0 },
    staleExpiries: [],
    links: await Promise.all(ports.map((port) => startProxy(port))),
    wires: await Promise.all(ports.map((port) => startGrpcRequestProxy(port, fates))),
    processes: [idle],
    ctl: (member, ...args) => cluster.member(member).ctl(...args),
  };
  const lines = [stage.links, stage.wires];
  connections = await Promise.all(
    lines.map((line) =>
      connect(
        line.map(({ endpoint }) => endpoint),
        { requestTimeoutMs: TIMEOUT_MS },
      ),
    ),
  );
  pulses = connections.map(({ kvi }, number) => new Pulse(kvi, `pulse/${number}`));
});

afterAll(async () => {
  for (const part of [...pulses, ...connections]) await part[Symbol.asyncDispose]();
});

/** Says whether a fault does what its name says; asked again and again while it lasts, and once more behind it. */
type Effect = () => Promise<boolean> | boolean;

const members = () => stage.cluster.members;

/** Another leads than before. */
async function anotherLeads(): Promise<Effect> {
  const before = await stage.cluster.leader();
  return async () => (await stage.cluster.leader()) !== before;
}

/** As another leads, while the one before does not reach a quorum and serves what it knows. */
async function anotherLeadsToo(): Promise<Effect> {
  const before = await stage.cluster.leader();
  return async () => {
    if ((await stage.cluster.leader()) === before || (await members()[before]!.isHealthy(PROMPT_MS)))
      return false;
    return /\d/.test(await stage.ctl(before, 'get', 'pulse/0', '--consistency=s', '--print-value-only'));
  };
}

/** One of those that follow does not reach the leader, and the others do. */
async function followerIsGone(): Promise<Effect> {
  const before = await stage.cluster.leader();
  return async () => (await unhealthy()).length === 1 && !(await unhealthy()).includes(before);
}

async function unhealthy(): Promise<number[]> {
  const healths = await Promise.all(members().map((member) => member.isHealthy(PROMPT_MS)));
  return [...healths.keys()].filter((member) => !healths[member]);
}

async function memberIsReplaced(): Promise<Effect> {
  const ids = (): Promise<string[]> =>
    Promise.all([...members().keys()].map(async (number) => (await listed(stage, number))?.id ?? ''));
  const before = await ids();
  return async () => {
    const strangers = (await ids()).flatMap((id, number) =>
      id !== '' && !before.includes(id) ? [number] : [],
    );
    if (strangers.length !== 1 || (await unhealthy()).length > 0) return false;
    const read = ['get', 'pulse/0', '--consistency=s', '--print-value-only'];
    return /\d/.test(await stage.ctl(strangers[0]!, ...read));
  };
}

async function memberIsDefragmented(): Promise<Effect> {
  const counts = (): Promise<number[]> =>
    Promise.all(
      members().map(async (member) =>
        (await member.metrics()).sum('etcd_disk_backend_defrag_duration_seconds_count'),
      ),
    );
  const before = await counts();
  return async () => (await counts()).filter((count, member) => count > before[member]!).length === 1;
}

async function historyIsCompacted(): Promise<Effect> {
  const status = await stage.ctl(0, 'endpoint', 'status', '-w', 'fields');
  stage.seen.revision = Number(/"Revision" : (\d+)/.exec(status)![1]);
  return () =>
    stage.ctl(0, 'get', 'pulse/0', '--rev=2').then(
      () => false,
      (error: Error) => /has been compacted/.test(error.message),
    );
}

/** So many of the leases that were there are gone. */
async function leasesAreGone(count?: number): Promise<Effect> {
  await Promise.all([1, 2].map(() => stage.ctl(0, 'lease', 'grant', '600')));
  const leases = async (): Promise<string[]> =>
    (await stage.ctl(0, 'lease', 'list')).match(/^[0-9a-f]+$/gm) ?? [];
  const before = await leases();
  return async () => {
    const now = await leases();
    return before.filter((lease) => !now.includes(lease)).length === (count ?? before.length);
  };
}

function storesAreRefused(): Effect {
  for (const pulse of pulses) pulse.failures.splice(0);
  const isRefusal = (error: unknown): boolean =>
    error instanceof UnavailableError && /NOSPACE/.test(error.message);
  return () => pulses.every(({ failures }) => failures.some(isRefusal));
}

/** Another leads, and the one that led does not know. */
async function diskStalls(): Promise<Effect> {
  const stalled = members().findIndex((member) => member.disk !== undefined);
  const member = stage.cluster.member(stalled);
  return async () => {
    const metrics = await member.metrics().catch(() => undefined);
    return metrics?.sum('etcd_server_is_leader') === 1 && (await stage.cluster.leader()) !== stalled;
  };
}

/** Bytes on a link, of a connection that is made now. */
const answer = (link: TcpProxy): Promise<string | undefined> =>
  fetchPage(`${link.endpoint}/version`, PROMPT_MS);

const someLink = async (holds: (link: TcpProxy) => Promise<boolean>): Promise<boolean> =>
  (await Promise.all(stage.links.map(holds))).includes(true);

function linesSwallow(): Effect {
  const before = stage.links.map(({ counters }) => counters.bytesSwallowed);
  return () =>
    someLink(
      async (link) =>
        (await answer(link)) === undefined &&
        link.counters.bytesSwallowed > before[stage.links.indexOf(link)]!,
    );
}

/** Who connects is let in and not answered, and nothing is lost. */
function linesHold(): Effect {
  const before = stage.links.map(({ counters }) => counters.bytesSwallowed);
  return () =>
    someLink(
      async (link) =>
        (await answer(link)) === undefined &&
        (await welcome(link)) === 'connected' &&
        link.counters.bytesSwallowed === before[stage.links.indexOf(link)],
    );
}

const linesRefuse = (): Effect => () => someLink(async (link) => (await welcome(link)) === 'ECONNREFUSED');

/** What becomes of who connects. */
async function welcome({ port }: TcpProxy): Promise<string> {
  const socket = connectTo(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return 'connected';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  } finally {
    socket.destroy();
  }
}

/** A connection through each line, and how these end. */
async function linesEnd(how: 'ECONNRESET' | 'end'): Promise<Effect> {
  const ends: string[] = [];
  for (const link of stage.links) {
    const socket = connectTo(link.port, '127.0.0.1');
    socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code!));
    socket.on('end', () => ends.push('end')).resume();
    await once(socket, 'connect');
  }
  return () => ends.length > 0 && ends.every((end) => end === how);
}

function linesAreSlow(): Effect {
  return () =>
    someLink(async (link) => {
      const start = performance.now();
      // There and back, and nothing is lost.
      const page = await fetchPage(`${link.endpoint}/version`, 10 * PROMPT_MS);
      return page !== undefined && performance.now() - start > PROMPT_MS;
    });
}

/** A request on a wire had each of these fates. */
function requestsAre(...fates: readonly Fate['kind'][]): Effect {
  const total = (fate: Fate['kind']): number =>
    stage.wires.reduce((sum, { counts }) => sum + counts[fate], 0);
  const before = fates.map(total);
  return () => fates.every((fate, index) => total(fate) > before[index]!);
}

const processIsMute = (): Effect => async () => !(await idle.answers(PROMPT_MS));

function processIsAnother(): Effect {
  const before = idle.name;
  return () => idle.name !== before;
}

const WITH_DISK = 'disk stalled under the leader';

const EFFECTS: Readonly<Record<string, () => Promise<Effect> | Effect>> = {
  'leader killed': anotherLeads,
  'follower killed': followerIsGone,
  'quorum lost': () => async () => (await unhealthy()).length === members().length,
  'leader stopped': anotherLeads,
  'follower stopped': followerIsGone,
  'leader cut off from its peers': anotherLeadsToo,
  'follower cut off from its peers': followerIsGone,
  'member deaf': () => async () => (await unhealthy()).length === 1,
  'member unheard': () => async () => (await unhealthy()).length === 1,
  'leader moved': anotherLeads,
  'member removed and returned': memberIsReplaced,
  'member defragmented': memberIsDefragmented,
  [WITH_DISK]: diskStalls,
  'history compacted': historyIsCompacted,
  'one lease revoked': () => leasesAreGone(1),
  'all leases revoked': () => leasesAreGone(),
  'no space': storesAreRefused,
  'links black hole': linesSwallow,
  'links half-open': linesHold,
  'links refused': linesRefuse,
  'links reset': () => linesEnd('ECONNRESET'),
  'links ended': () => linesEnd('end'),
  'links slow': linesAreSlow,
  'bad weather': () => requestsAre('request lost', 'response lost', 'delayed', 'repeated'),
  storm: () => requestsAre('delayed'),
  'client killed': processIsAnother,
  'client stopped': processIsMute,
  'client blocked': processIsMute,
};

/** Lets a fault happen until its effect is seen. */
async function happens(fault: Fault, effect: Effect): Promise<void> {
  const enough = new AbortController();
  const over = new AbortController();
  const done = fault.run(stage, new LongestDice(SEED), enough.signal).finally(() => over.abort());
  let isSeen = false;
  while (!over.signal.aborted && !isSeen) {
    isSeen = await effect();
    await Promise.race([done, eventLoopTurn()]);
  }
  enough.abort();
  await done;
  // Some are over at once.
  if (!isSeen)
    await poll(`the effect of "${fault.name}" is seen`, async () => (await effect()) || undefined, 2000);
}

async function expectWhole(): Promise<void> {
  await poll('all members serve', async () => (await unhealthy()).length === 0 || undefined);
  expect(members().map(({ isRunning, isPaused }) => isRunning && !isPaused)).toEqual([true, true, true]);
  await poll(
    'all links carry answers',
    async () => !(await Promise.all(stage.links.map(answer))).includes(undefined) || undefined,
  );
  expect([stage.weather.isStormy, stage.weather.shareOf100]).toEqual([false, 0]);
  expect((await stage.ctl(0, 'alarm', 'list')).trim()).toBe('');
  await poll('the process answers', async () => (await idle.answers(PROMPT_MS)) || undefined);
  // Each handle, in the time that a call has.
  await Promise.all(connections.map(({ kvi }, number) => kvi.store('whole', `${number}`)));
}

/** Of the handles; whatever else there is would be a mistake. */
function unexpected(): unknown[] {
  const expected = [UnavailableError, RequestTimeoutError, OutcomeUnknownError];
  return pulses
    .flatMap(({ failures }) => failures)
    .filter((error) => !expected.some((kind) => error instanceof kind));
}

describe('a fault', () => {
  it('of each kind is tried below', () => {
    const names = faultsFor(stage).map(({ name }) => name);
    if (disk instanceof Error) process.stdout.write(`${WITH_DISK}: left out, ${disk.message}\n`);
    expect(names.toSorted()).toEqual(
      Object.keys(EFFECTS)
        .filter((name) => name !== WITH_DISK || !(disk instanceof Error))
        .toSorted(),
    );
  });

  it.each(Object.entries(EFFECTS))(
    'is what it is called, and leaves all whole: %s',
    async (name, prepare) => {
      // Where the machine gives no disk, that is said above.
      for (const fault of faultsFor(stage).filter((each) => each.name === name)) {
        const effect = await prepare();
        await happens(fault, effect);
        await expectWhole();
        expect(unexpected()).toEqual([]);
      }
    },
  );
});

describe('an adversary', () => {
  it('lets faults happen until it is told to stop, and then all is whole', async () => {
    const faults = faultsFor(stage);
    const adversary = new Adversary(stage, faults, new Dice(SEED));
    await adversary.run(AbortSignal.timeout(ADVERSARY_MS));
    await expectWhole();

    const { happened, counts } = adversary;
    process.stdout.write(
      `${happened.map(({ name, from, to }) => `${name} ${Math.round(to - from)} ms`).join(', ')}\n`,
    );
    expect(happened.length).toBeGreaterThan(1);
    expect(Object.keys(counts)).toEqual(faults.map(({ name }) => name));
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(happened.length);
    expect(unexpected()).toEqual([]);
  });

  it('fails with the name of a fault that was not undone, and mends what it can', async () => {
    const lasting: Fault = {
      name: 'for ever',
      part: 'members',
      async run({ cluster }) {
        cluster.member(1).pause();
        await stage.links[0]!.swallow();
        throw new Error('out of order');
      },
    };
    const adversary = new Adversary(stage, [lasting], new Dice(SEED));
    await expect(adversary.run(new AbortController().signal)).rejects.toThrow(
      /the fault "for ever" was not undone: out of order/,
    );
    await expectWhole();
  });
});
