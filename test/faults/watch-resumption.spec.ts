import { describe, expect, it } from '@jest/globals';
import type { KeyRange } from '../../lib/kvi/kvi.js';
import { openEtcdStore } from '../../lib/store/etcd/open-etcd-store.js';
import { connect } from '../etcd/support/connect.js';
import { etcdBinary, OLD_SUITE } from '../support/etcd/etcd-binary.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { startProxy, type TcpProxy } from '../support/etcd/tcp-proxy.js';
import { Dice } from '../support/random.mjs';
import { RecordingLogger } from '../support/recording-logger.js';
import { Replay } from './checkers/replay.js';
import { watchViolations } from './checkers/watch-validators.js';
import { KnownWriter } from './support/known-writer.js';
import { RecordedWatch } from './support/recorded-watch.js';

const ROUNDS = Number(process.env.WATCH_ROUNDS ?? 8);
const SEED = Number(process.env.WATCH_SEED ?? 1);

const KEYS = ['w/a', 'w/b', 'w/c', 'w/d', 'w/\uffff', 'w/\u{1f600}'];

/** Keys at both ends of each, and beyond. */
const RANGES: readonly KeyRange[] = [
  { prefix: 'w/' },
  'w/c',
  { start: 'w/b', end: 'w/d' },
  { start: 'w/d', end: 'w/\uffff' },
];

/** A catch-up comes in batches of 1,000 revisions. */
const BACKLOG = 1500;
const A_BATCH = { atLeastBytes: 10_000 };

const OPTIONS = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };

/** Watches behind a link that is cut again and again, with changes that happen, and are compacted, meanwhile. */
class Stage {
  readonly #etcd: EtcdServer;
  readonly #link: TcpProxy;
  readonly #writer: KnownWriter;
  readonly #watches: readonly RecordedWatch[];
  readonly #dice = new Dice(SEED);
  readonly #compacted = new Set<number>();

  constructor(etcd: EtcdServer, link: TcpProxy, writer: KnownWriter, watches: readonly RecordedWatch[]) {
    this.#etcd = etcd;
    this.#link = link;
    this.#writer = writer;
    this.#watches = watches;
  }

  async round(): Promise<void> {
    await this.untilAllAreThere();
    this.#link.refuse();
    if (this.#dice.percent(30)) await this.#fallFarBehind();
    else await this.#missOneRevision();
    await this.#link.pass();
  }

  /** Every watch has been told of everything. Answers the revision. */
  async untilAllAreThere(): Promise<number> {
    const revision = await this.#writer.put(KEYS);
    await poll('the watches have caught up', () => {
      return this.#watches.every((watch) => watch.hasReached(revision)) || undefined;
    });
    return revision;
  }

  /** Nothing is given up but what was compacted. */
  get wrongGaps(): unknown[] {
    const gaps = this.#watches.flatMap((watch) => watch.gaps);
    return gaps.filter(({ from, to }) => from >= to || !this.#compacted.has(to - 1));
  }

  async #missOneRevision(): Promise<void> {
    const keys = KEYS.filter(() => this.#dice.percent(50));
    if (this.#dice.percent(70)) await this.#writer.delete(keys);
    else await this.#writer.put(keys);
    if (this.#dice.percent(70)) await this.#compact();
  }

  /** So far that the link is cut once more on the way back. */
  async #fallFarBehind(): Promise<void> {
    await this.#writer.putOften(BACKLOG, () => this.#dice.pick(KEYS));
    void this.#link.cutAfterMessages(1 + this.#dice.below(RANGES.length), A_BATCH);
  }

  async #compact(): Promise<void> {
    const revision = this.#writer.changes.at(-1)!.revision;
    if (this.#compacted.has(revision)) return;
    this.#compacted.add(revision);
    await this.#etcd.ctl('compact', String(revision));
  }
}

describe.each(['the etcd under test', OLD_SUITE])('watches on %s', (suite) => {
  it(`are told of every change once, or that it was compacted, through ${ROUNDS} cuts of their link`, async () => {
    await using etcd = await startEtcd({ binary: await etcdBinary(suite === OLD_SUITE ? suite : undefined) });
    await using link = await startProxy(etcd.ports.client);
    await using connection = await connect(link.endpoint);
    const direct = await openEtcdStore([etcd.endpoint], OPTIONS);
    const writer = new KnownWriter(direct);
    const watches = RANGES.map((range) => new RecordedWatch(connection.kvi, range, 1));
    const stage = new Stage(etcd, link, writer, watches);
    for (let round = 0; round < ROUNDS; round++) await stage.round();
    const last = await stage.untilAllAreThere();
    await Promise.all(watches.map((watch) => watch.stop()));
    await direct.close();

    const replay = new Replay(writer.changes);
    const violations = watches.flatMap((watch) => watchViolations(watch.recordTo(last), replay));
    expect(violations.slice(0, 10)).toEqual([]);
    expect(stage.wrongGaps).toEqual([]);
    expect(watches.flatMap(({ gaps }) => gaps).length).toBeGreaterThan(0);
    expect(writer.changes.length).toBeGreaterThan(BACKLOG);
  }, 120_000);
});
