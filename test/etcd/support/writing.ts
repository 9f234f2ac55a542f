import type { ITxnRequest } from 'etcd3';
import { Calls } from '../../../lib/store/etcd/calls.js';
import { EtcdWriter } from '../../../lib/store/etcd/etcd-writer.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';
import { Member } from '../../../lib/store/etcd/member.js';
import { openEtcdStore } from '../../../lib/store/etcd/open-etcd-store.js';
import { Slots } from '../../../lib/store/etcd/slots.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';
import { SendOnce } from '../../../lib/store/etcd/write-sender.js';
import type { KeyRecord, LeaseId, Store, WriterSession } from '../../../lib/store/store.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { UnrulyMember } from './unruly-member.js';

export const TIMEOUT_MS = 2400;
const RESERVE_MS = 1000;

/** A session whose lease a test ends as it likes. */
class TestSession implements WriterSession {
  readonly prefix = '\0records/';
  readonly leases: LeaseId[] = [];
  readonly #store: Store;
  #lost = new Set<LeaseId>();

  constructor(store: Store) {
    this.#store = store;
  }

  async lease(): Promise<LeaseId> {
    const last = this.leases.at(-1);
    if (last !== undefined && !this.#lost.has(last)) return last;
    const { id } = await this.#store.leaseGrant(60);
    this.leases.push(id);
    return id;
  }

  lost(lease: LeaseId): void {
    this.#lost.add(lease);
  }
}

/** A writer behind a line that a test disturbs, and the store as another program sees it. */
export interface Writing extends AsyncDisposable {
  readonly writer: EtcdWriter;
  readonly line: UnrulyMember;
  readonly session: TestSession;
  readonly store: Store;
  read(key: string): Promise<KeyRecord | undefined>;
  /** The slots' keys of all sessions of this writer. */
  slots(): Promise<string[]>;
}

export async function startWriting(endpoint: string): Promise<Writing> {
  const options = { connectTimeoutMs: 5000, requestTimeoutMs: 5000, logger: new RecordingLogger() };
  const store = await openEtcdStore([endpoint], options);
  const member = new Member(endpoint, {});
  const line = new UnrulyMember(member);
  const calls = new Calls(
    [line.asMember],
    new TokenSource(undefined),
    new HistoryGuard(() => {}),
    TIMEOUT_MS,
  );
  const session = new TestSession(store);
  const sender = new Slots(calls, session, RESERVE_MS);
  const writer = new EtcdWriter(sender, new SendOnce(calls), calls.endpoints, TIMEOUT_MS, RESERVE_MS);
  const read = async (key: string): Promise<KeyRecord | undefined> => (await store.range({ key })).kvs[0];
  const slots = async (): Promise<string[]> => {
    const { kvs } = await store.range({ key: session.prefix, rangeEnd: '\0records0', keysOnly: true });
    const ours = kvs.filter(({ lease }) => session.leases.includes(lease));
    return ours.map(({ key }) => key).filter((key) => /\/s\d+$/.test(key));
  };
  // The first write makes the slot of the first lane.
  await writer.write({ success: [{ type: 'put', key: 'first', value: '' }] });
  line.txns.length = 0;
  return {
    writer,
    line,
    session,
    store,
    read,
    slots,
    async [Symbol.asyncDispose](): Promise<void> {
      line.obey();
      calls.close();
      member.close();
      for (const lease of session.leases) await store.leaseRevoke(lease);
      await store.close();
    },
  };
}

/** Ends a batch whose copies may be on their way. */
export function isBump({ success = [] }: ITxnRequest): boolean {
  const value = success.length === 1 ? success[0]!.request_put?.value : undefined;
  return value !== undefined && value.toString().endsWith('/bumped');
}
