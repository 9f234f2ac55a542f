import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import {
  OutcomeUnknownError,
  PermissionDeniedError,
  RequestTimeoutError,
  UnavailableError,
} from '../../lib/store/errors.js';
import type { Operation, TxnRequest } from '../../lib/store/store.js';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.js';
import { poll } from '../support/etcd/poll.js';
import { isBump, startWriting, TIMEOUT_MS, type Writing } from './support/writing.js';
import type { Fate } from './support/unruly-member.js';

const put = (key: string, value: string): Operation => ({ type: 'put', key, value });
const look = (key: string): Operation => ({ type: 'range', key, keysOnly: true });
const tas = (key: string, is: string, set: string): TxnRequest => ({
  compare: [{ target: 'value', key, operator: '=', value: is }],
  success: [put(key, set)],
  failure: [look(key)],
});

interface Case {
  readonly name: string;
  readonly request: (key: string) => TxnRequest;
  /** What another program does before a copy arrives a second time: twice done would show. */
  readonly meanwhile: (key: string) => TxnRequest;
  readonly succeeded: boolean;
  /** What the key holds in the end. */
  readonly value: string | undefined;
}

/** The key holds 'old' at first. */
const CASES: readonly Case[] = [
  {
    name: 'a put',
    request: (key) => ({ success: [put(key, 'new')] }),
    meanwhile: (key) => ({ success: [put(key, "another's")] }),
    succeeded: true,
    value: "another's",
  },
  {
    name: 'a deletion',
    request: (key) => ({ success: [{ type: 'delete', key }] }),
    meanwhile: (key) => ({ success: [put(key, "another's")] }),
    succeeded: true,
    value: "another's",
  },
  {
    name: 'a tas that sets',
    request: (key) => tas(key, 'old', 'new'),
    meanwhile: (key) => ({ success: [put(key, 'old')] }),
    succeeded: true,
    value: 'old',
  },
  {
    name: 'a tas that does not set',
    request: (key) => tas(key, 'awaited', 'new'),
    meanwhile: (key) => ({ success: [put(key, 'awaited')] }),
    succeeded: false,
    value: 'awaited',
  },
  {
    name: 'a creation',
    request: (key) => ({
      compare: [{ target: 'create', key: `${key}/absent`, operator: '=', revision: 0 }],
      success: [put(`${key}/absent`, 'new'), put(key, 'created')],
      failure: [look(key)],
    }),
    meanwhile: (key) => ({ success: [{ type: 'delete', key: `${key}/absent` }, put(key, "another's")] }),
    succeeded: true,
    value: "another's",
  },
  {
    name: 'a fenced tas that sets',
    request: (key) => ({
      compare: [{ target: 'create', key, operator: '>', revision: 0 }],
      success: [{ type: 'txn', ...tas(key, 'old', 'new') }],
      failure: [look(key)],
    }),
    meanwhile: (key) => ({ success: [put(key, 'old')] }),
    succeeded: true,
    value: 'old',
  },
];

let etcd: EtcdServer;
beforeAll(async () => {
  etcd = await startEtcd();
}, 30_000);
afterAll(() => etcd.stop());

describe('a write', () => {
  let writing: Writing;
  let key: string;
  beforeEach(async () => {
    writing = await startWriting(etcd.endpoint);
    key = randomUUID();
    await writing.store.txn({ success: [put(key, 'old')] });
  });
  afterEach(async () => {
    await writing[Symbol.asyncDispose]();
  });

  const slotKeyOf = async (): Promise<string> => (await writing.slots())[0]!;
  const copiesOf = (name: string): number =>
    writing.line.txns.filter((txn) => JSON.stringify(txn).includes(JSON.stringify(Buffer.from(name)))).length;

  describe.each(CASES)('$name', ({ request, meanwhile, succeeded, value }) => {
    it.each<Fate>(['lose', 'doubt'])('is done once where the line is to %s its answer', async (fate) => {
      writing.line.next(
        () => fate,
        async (): Promise<Fate> => {
          await writing.store.txn(meanwhile(key));
          return 'answer';
        },
      );
      const { revision, ...outcome } = await writing.writer.write(request(key));
      expect(outcome.succeeded).toBe(succeeded);
      expect((await writing.read(key))?.value).toBe(value);
      expect(revision).toBeLessThan((await writing.read(key))!.modRevision);
    });

    it('is done once where it arrives twice', async () => {
      writing.line.next(() => 'repeat');
      expect(await writing.writer.write(request(key))).toMatchObject({ succeeded });
      expect((await writing.read(key))?.version ?? 0).toBeLessThanOrEqual(2);
    });

    it('is done once where a copy comes long after its answer', async () => {
      writing.line.next(() => 'hold');
      expect(await writing.writer.write(request(key))).toMatchObject({ succeeded });
      await writing.store.txn(meanwhile(key));
      const before = await writing.read(key);
      await writing.line.release();
      expect(await writing.read(key)).toEqual(before);
    });
  });

  it('that was told not to be applied is not applied by a copy that comes later', async () => {
    const keys = CASES.map(() => randomUUID());
    for (const name of keys) await writing.store.txn({ success: [put(name, 'old')] });
    writing.line.obey((txn) => (isBump(txn) ? 'answer' : 'hold'));
    const writes = CASES.map(({ request }, at) => writing.writer.write(request(keys[at]!)));
    for (const outcome of await Promise.allSettled(writes)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(RequestTimeoutError) });
      expect((outcome as PromiseRejectedResult).reason.message).toMatch(/Nothing was applied/);
    }
    await writing.line.release();
    for (const name of keys) expect(await writing.read(name)).toMatchObject({ value: 'old', version: 1 });
  });

  it('is found to be applied when its copies end, if the first was', async () => {
    let copies = 0;
    writing.line.obey((txn) => (isBump(txn) ? 'answer' : copies++ === 0 ? 'lose' : 'hold'));
    expect(await writing.writer.write(tas(key, 'old', 'new'))).toMatchObject({ succeeded: true });
    await writing.line.release();
    expect(await writing.read(key)).toMatchObject({ value: 'new', version: 2 });
    writing.line.obey();
    expect(await writing.writer.write(tas(key, 'new', 'newer'))).toMatchObject({ succeeded: true });
  });

  it('goes on with its slot after a bump whose answer was lost', async () => {
    let bumps = 0;
    writing.line.obey((txn) => (isBump(txn) ? (bumps++ === 0 ? 'lose' : 'answer') : 'hold'));
    await expect(writing.writer.write(tas(key, 'old', 'new'))).rejects.toBeInstanceOf(RequestTimeoutError);
    expect(bumps).toBe(2);
    writing.line.obey();
    await writing.line.release();
    expect(await writing.writer.write(tas(key, 'old', 'newer'))).toMatchObject({ succeeded: true });
    expect(await writing.read(key)).toMatchObject({ value: 'newer', version: 2 });
    expect(await writing.slots()).toHaveLength(1);
  });

  it('that is refused after an unanswered copy is bumped before it is told', async () => {
    writing.line.next(
      () => 'hold',
      () => 'deny',
    );
    await expect(writing.writer.write({ success: [put(key, 'new')] })).rejects.toBeInstanceOf(
      PermissionDeniedError,
    );
    await writing.line.release();
    expect(await writing.read(key)).toMatchObject({ value: 'old', version: 1 });
  });

  it('that cannot be sent was not applied, and needs no bump', async () => {
    writing.line.obey(() => 'miss');
    await expect(writing.writer.write({ success: [put(key, 'new')] })).rejects.toBeInstanceOf(
      UnavailableError,
    );
    expect(writing.line.txns.some(isBump)).toBe(false);
    writing.line.obey();
    await writing.writer.write({ success: [put(key, 'new')] });
    expect(await writing.read(key)).toMatchObject({ version: 2 });
  });

  describe('whose outcome cannot be found out', () => {
    let started: number;
    let failure: Promise<Error>;
    beforeEach(async () => {
      writing.line.obey(() => 'hold');
      started = performance.now();
      failure = writing.writer.write({ success: [put(key, 'unknown')] }).then(
        () => new Error('it was answered'),
        (error: Error) => error,
      );
    });

    it('is told so in time, and in words that leave no doubt', async () => {
      const error = await failure;
      expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 1000);
      expect(error).toBeInstanceOf(OutcomeUnknownError);
      expect(error.message).toMatch(/may have been applied/);
      expect(error.message).not.toMatch(/Nothing was applied/);
      expect(error.message).toContain(writing.line.url);
    });

    it('lets what touches its key wait until no copy can be applied any more', async () => {
      await failure;
      const before = copiesOf('next');
      const next = writing.writer.write({ success: [put(key, 'next')] });
      await expect(next).rejects.toThrow(/Nothing was applied/);
      expect(copiesOf('next')).toBe(before);

      writing.line.obey();
      await poll('it is decided', () =>
        writing.writer.write(tas(key, 'old', 'after')).then(
          ({ succeeded }) => succeeded || undefined,
          () => undefined,
        ),
      );
      await writing.line.release();
      expect(await writing.read(key)).toMatchObject({ value: 'after', version: 2 });
    });

    it('is not overtaken by what touches its key, when a copy comes after all', async () => {
      await failure;
      const next = writing.writer.write({ success: [put(key, 'next')] });
      const copy = writing.line.release();
      writing.line.obey();
      await Promise.all([next, copy]);
      const record = await writing.read(key);
      expect(record).toMatchObject({ value: 'next' });
      await writing.line.release();
      expect(await writing.read(key)).toEqual(record);
    });
  });

  it('whose outcome cannot be found out does not keep other keys waiting, on either lane', async () => {
    const [unknown, done] = [{ reason: expect.any(OutcomeUnknownError) }, { status: 'fulfilled' }];
    const lanes = async (): Promise<unknown[]> => {
      const first = writing.writer.write({ success: [put(randomUUID(), '')] });
      await eventLoopTurn();
      return Promise.allSettled([first, writing.writer.write({ success: [put(randomUUID(), '')] })]);
    };
    await lanes();
    expect(await writing.slots()).toHaveLength(2);
    writing.line.obey(() => 'hold');
    expect(await lanes()).toMatchObject([unknown, unknown]);
    writing.line.obey((txn) => (isBump(txn) ? 'hold' : 'answer'));
    expect(await lanes()).toMatchObject([done, done]);
  });

  describe('whose slot an operator deletes', () => {
    it('is done on another', async () => {
      const slot = await slotKeyOf();
      await writing.store.txn({ success: [{ type: 'delete', key: slot }] });
      expect(await writing.writer.write(tas(key, 'old', 'new'))).toMatchObject({ succeeded: true });
      expect(await writing.read(key)).toMatchObject({ value: 'new', version: 2 });
      expect(await writing.slots()).not.toContain(slot);
    });

    it('is not known to be applied where a copy was sent before', async () => {
      const slot = await slotKeyOf();
      writing.line.next(
        () => 'hold',
        async (): Promise<Fate> => {
          await writing.store.txn({ success: [{ type: 'delete', key: slot }] });
          return 'answer';
        },
      );
      await expect(writing.writer.write({ success: [put(key, 'new')] })).rejects.toBeInstanceOf(
        OutcomeUnknownError,
      );
      await writing.line.release();
      expect(await writing.read(key)).toMatchObject({ value: 'old' });
      await writing.writer.write({ success: [put(key, 'new')] });
      expect(await writing.read(key)).toMatchObject({ value: 'new', version: 2 });
    });
  });

  describe('whose lease is over', () => {
    const revoke = (): Promise<void> => writing.store.leaseRevoke(writing.session.leases[0]!);

    it('is done under a new one', async () => {
      await revoke();
      expect(await writing.writer.write(tas(key, 'old', 'new'))).toMatchObject({ succeeded: true });
      expect(await writing.read(key)).toMatchObject({ value: 'new', version: 2 });
      expect(writing.session.leases).toHaveLength(2);
    });

    it.each<Fate>(['hold', 'lose'])('is not known to be applied after %s of a copy', async (fate) => {
      writing.line.next(
        () => fate,
        async (): Promise<Fate> => {
          await revoke();
          return 'answer';
        },
      );
      await expect(writing.writer.write({ success: [put(key, 'new')] })).rejects.toBeInstanceOf(
        OutcomeUnknownError,
      );
      const before = await writing.read(key);
      expect(before).toMatchObject({ value: fate === 'lose' ? 'new' : 'old' });
      await writing.line.release();
      expect(await writing.read(key)).toEqual(before);
      expect(copiesOf(key)).toBe(2);
      expect(await writing.writer.write(tas(key, before!.value, 'next'))).toMatchObject({ succeeded: true });
    });
  });

  it('is made a slot of once where the answer of that is lost', async () => {
    await revokeAndLose();
    expect(await writing.writer.write(tas(key, 'old', 'new'))).toMatchObject({ succeeded: true });
    expect(await writing.slots()).toHaveLength(1);
  });

  /** The next write has to make a slot under a new lease. */
  async function revokeAndLose(): Promise<void> {
    await writing.store.leaseRevoke(writing.session.leases[0]!);
    writing.line.next(
      () => 'answer',
      () => 'lose',
    );
  }

  it('of many in one batch is done once, each of them', async () => {
    const rows = CASES.map((row) => ({ ...row, key: randomUUID() }));
    for (const row of rows) await writing.store.txn({ success: [put(row.key, 'old')] });
    writing.line.next(
      () => 'lose',
      async (): Promise<Fate> => {
        for (const row of rows) await writing.store.txn(row.meanwhile(row.key));
        return 'answer';
      },
    );
    const outcomes = await Promise.all(rows.map((row) => writing.writer.write(row.request(row.key))));
    expect(outcomes.map(({ succeeded }) => succeeded)).toEqual(rows.map(({ succeeded }) => succeeded));
    const records = await Promise.all(rows.map((row) => writing.read(row.key)));
    expect(records.map((record) => record?.value)).toEqual(rows.map(({ value }) => value));
    expect(new Set(outcomes.map(({ revision }) => revision)).size).toBe(1);
    expect(writing.line.txns).toHaveLength(2);
  });
});
