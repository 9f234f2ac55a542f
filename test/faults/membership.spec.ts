import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kvi, open } from '../../lib/index.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { Member } from '../etcd/support/member.js';

// In full: MEMBERSHIP_PROCESSES=20 MEMBERSHIP_SECONDS=120 npm run test:faults -- --testPathPatterns etcd/membership
const PROCESSES = Number(process.env.MEMBERSHIP_PROCESSES ?? 6);
const FAULTS_MS = Number(process.env.MEMBERSHIP_SECONDS ?? 20) * 1000;

const TTL_SEC = 5;
/** etcd ends leases up to half a second late, and after a restart of its own they have their full time again. */
const BOUND_MS = TTL_SEC * 1000 + 5000;

/** The instances of one store, and which of them can be seen. */
class Group implements AsyncDisposable {
  readonly etcd: EtcdServer;
  readonly kvi: Kvi;
  readonly members: Member[] = [];
  /** Whose marker was deleted by hand. */
  readonly hidden = new Set<Member>();
  /** What was done, for the report of a failure. */
  readonly history: string[] = [];
  /** When the last fault was over. */
  #quietSince = performance.now();

  private constructor(etcd: EtcdServer, kvi: Kvi) {
    this.etcd = etcd;
    this.kvi = kvi;
  }

  static async start(size: number): Promise<Group> {
    const etcd = await startEtcd();
    const group = new Group(etcd, await open(etcd.endpoint, { logger: new RecordingLogger() }));
    for (let count = 0; count < size; count++) await group.add();
    return group;
  }

  get running(): Member[] {
    return this.members.filter(({ hasEnded, isStopped }) => !hasEnded && !isStopped);
  }

  get stopped(): Member[] {
    return this.members.filter(({ hasEnded, isStopped }) => !hasEnded && isStopped);
  }

  get truth(): string[] {
    return this.running
      .filter((member) => !this.hidden.has(member))
      .map(({ id }) => id)
      .toSorted();
  }

  async add(): Promise<void> {
    // Two digits, so that the order of their ids is that of their start.
    const id = `m${String(this.members.length + 10)}`;
    await this.do(`start ${id}`, async () => {
      this.members.push(await Member.start(this.etcd.endpoint, id, TTL_SEC));
    });
  }

  async hide(member: Member): Promise<void> {
    await this.do(`delete the marker of ${member.id}`, () => this.kvi.delete(`instances/${member.id}`));
    this.hidden.add(member);
  }

  async do(what: string, fault: () => unknown): Promise<void> {
    this.history.push(what);
    await fault();
    this.#quietSince = performance.now();
  }

  /** Resolves when each survivor sees the truth, with the milliseconds since the last fault; fails when one is too late. */
  async agreed(): Promise<number> {
    const wrong = (await Promise.all(this.running.map((member) => this.#whenRight(member)))).flat();
    const tookMs = performance.now() - this.#quietSince;
    if (wrong.length === 0) return tookMs;
    const report = { truth: this.truth, after: Math.round(tookMs), wrong, history: this.history };
    throw new Error(`not within ${BOUND_MS} ms: ${JSON.stringify(report, undefined, 1)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
    await this.kvi.close();
    await this.etcd.stop();
  }

  /** What a member sees at the end of the time it has, nothing if it saw the truth before that. */
  async #whenRight(member: Member): Promise<unknown[]> {
    const truth = this.truth.join();
    for (;;) {
      const askedAt = performance.now();
      const sight = await member.look();
      if (sight?.listed.join() === truth && sight.followed.join() === truth) return [];
      if (askedAt - this.#quietSince > BOUND_MS) return [{ id: member.id, sight }];
      await delay(50);
    }
  }
}

const oneOf = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)];

/** What may happen to a group, as much of what comes as of what goes. Some stay, and `spared` is not ended. */
function faultsOf(group: Group, spared: Member): (() => Promise<void>)[] {
  const canLose = (): boolean => group.running.length > 3;
  const end = async (how: 'kill' | 'terminate'): Promise<void> => {
    const member = oneOf(group.running.filter((running) => running !== spared));
    if (member !== undefined && canLose()) await group.do(`${how} ${member.id}`, () => member[how]());
  };
  const kill = (): Promise<void> => end('kill');
  const terminate = (): Promise<void> => end('terminate');
  const stop = async (): Promise<void> => {
    const member = oneOf(group.running);
    if (member !== undefined && canLose()) await group.do(`stop ${member.id}`, () => member.stop());
  };
  const goOn = async (): Promise<void> => {
    const member = oneOf(group.stopped);
    if (member !== undefined) await group.do(`let ${member.id} go on`, () => member.goOn());
  };
  const add = async (): Promise<void> => {
    if (group.running.length + group.stopped.length < PROCESSES) await group.add();
  };
  const restart = (): Promise<void> => group.do('restart the server', () => group.etcd.restart());
  return [kill, kill, terminate, stop, stop, stop, goOn, goOn, goOn, add, add, add, restart];
}

describe('the instances that others see', () => {
  it('lose one that is killed, lose one that is stopped, and have it back when it goes on', async () => {
    await using group = await Group.start(3);
    const [one, two] = group.members;
    await group.agreed();
    await group.do('kill', () => one!.kill());
    await group.agreed();
    await group.do('stop', () => two!.stop());
    await group.agreed();
    await group.do('go on', () => two!.goOn());
    await group.agreed();
    expect((await group.members[2]!.look())?.listed).toEqual(['m11', 'm12']);
  }, 120_000);

  it('are the same after the server was away for longer than their leases', async () => {
    await using group = await Group.start(3);
    await group.etcd.kill();
    await delay(TTL_SEC * 1000);
    await group.do('restart the server', () => group.etcd.restart());
    await group.agreed();
    expect((await group.members[0]!.look())?.listed).toHaveLength(3);
  }, 120_000);

  it(
    `are the truth within TTL + 2 s after ${PROCESSES} processes had faults for ${FAULTS_MS / 1000} s; a deleted marker stays away`,
    async () => {
      await using group = await Group.start(PROCESSES);
      // Not to be killed: what is to be seen is that it lives, and does not come back.
      const deleted = group.members[0]!;
      await group.hide(deleted);
      const reappeared: unknown[] = [];
      const handle = await group.kvi.watchWithCB(`instances/${deleted.id}`, 1, () =>
        reappeared.push(deleted.id),
      );

      const faults = faultsOf(group, deleted);
      const end = performance.now() + FAULTS_MS;
      while (performance.now() < end) {
        await oneOf(faults)!();
        await delay(Math.random() * 1000);
      }
      if (deleted.isStopped) await group.do('let the hidden one go on', () => deleted.goOn());

      const tookMs = await group.agreed();
      await group.kvi.watchCBCancel(handle);
      process.stdout.write(
        `membership: ${group.history.length} steps, ${group.running.length} survivors agreed ${Math.round(tookMs)} ms after the last\n`,
      );
      expect(reappeared).toEqual([]);
      expect(group.running.length).toBeGreaterThan(2);
      expect((await deleted.look())?.listed).toEqual(group.truth);
      expect(await group.kvi.get(`instances/${deleted.id}`)).toBeUndefined();
    },
    FAULTS_MS + 240_000,
  );
});
