import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { callClock } from '../../../lib/store/clock.js';
import { type BatchLimits, GroupCommit, type Pending } from '../../../lib/store/etcd/group-commit.js';

const LANES = 2;
const RESERVE_MS = 20;

interface Operation extends Pending {
  readonly name: string;
  isReady: boolean;
}

function operation(
  name: string,
  { operations = 1, bytes = 1, isReady = true, inMs = 60_000 } = {},
): Operation {
  return { name, operations, bytes, isReady, deadline: callClock.now() + inMs };
}

describe('GroupCommit', () => {
  let limits: BatchLimits;
  let batches: { readonly names: string[]; readonly lane: number; end(): void }[];
  let expired: { readonly name: string; readonly lateMs: number }[];
  let told: EventEmitter;
  let group: GroupCommit<Operation>;
  beforeEach(() => {
    limits = { operations: 4, bytes: 100 };
    batches = [];
    expired = [];
    told = new EventEmitter();
    group = new GroupCommit<Operation>(LANES, limits, RESERVE_MS, {
      send: (batch, lane) =>
        new Promise((end) => void batches.push({ names: batch.map(({ name }) => name), lane, end })),
      expire: ({ name, deadline }) => {
        expired.push({ name, lateMs: callClock.now() - deadline });
        told.emit('expired');
      },
    });
  });

  function add(...names: string[]): void {
    for (const name of names) group.add(operation(name));
  }

  const sent = (): string[][] => batches.map(({ names }) => names);

  /** No timer can have run: what is sent by then goes at once. */
  async function turnIsOver(): Promise<void> {
    await new Promise<void>((resolve) => process.nextTick(resolve));
  }

  it('sends what one turn of the event loop asks for in one batch, at once', async () => {
    add('a', 'b');
    await Promise.resolve().then(() => add('c'));
    expect(sent()).toEqual([]);
    await turnIsOver();
    expect(sent()).toEqual([['a', 'b', 'c']]);
  });

  it('lets what comes while every lane is busy go together when one is free', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      add(name);
      await eventLoopTurn();
    }
    expect(sent()).toEqual([['a'], ['b']]);
    batches[1]!.end();
    await eventLoopTurn();
    expect(sent()).toEqual([['a'], ['b'], ['c', 'd']]);
    const [first, second, third] = batches.map(({ lane }) => lane);
    expect(first).not.toBe(second);
    expect(third).toBe(second);
  });

  it('sends no more operations at a time than there may be', async () => {
    add('a', 'b', 'c', 'd', 'e');
    await eventLoopTurn();
    expect(sent()).toEqual([['a', 'b', 'c', 'd'], ['e']]);
  });

  it('sends no more bytes at a time than there may be, and what is larger by itself', async () => {
    group.add(operation('large', { bytes: 1000 }));
    for (const name of ['a', 'b', 'c']) group.add(operation(name, { bytes: 50 }));
    await eventLoopTurn();
    expect(sent()).toEqual([['large'], ['a', 'b']]);
  });

  it('keeps to limits that were made smaller meanwhile', async () => {
    add('a');
    await turnIsOver();
    limits.operations = 1;
    add('b', 'c');
    await eventLoopTurn();
    expect(sent()).toEqual([['a'], ['b']]);
  });

  it('lets what is not ready wait, and what follows it go', async () => {
    const waiting = operation('waiting', { isReady: false });
    group.add(waiting);
    add('a');
    await turnIsOver();
    expect(sent()).toEqual([['a']]);
    waiting.isReady = true;
    group.wake();
    await turnIsOver();
    expect(sent()).toEqual([['a'], ['waiting']]);
  });

  it('ends what was not sent at its deadline, and sends it no more', async () => {
    add('a');
    await turnIsOver();
    add('b');
    await turnIsOver();
    group.add(operation('late', { inMs: 60 }));
    await once(told, 'expired');
    expect(expired).toEqual([{ name: 'late', lateMs: expect.any(Number) }]);
    expect(expired[0]!.lateMs).toBeGreaterThanOrEqual(0);
    batches[0]!.end();
    await eventLoopTurn();
    expect(sent()).toEqual([['a'], ['b']]);
  });

  it('does not send what has less time left than the reserve', async () => {
    group.add(operation('short', { inMs: RESERVE_MS }));
    await once(told, 'expired');
    expect(sent()).toEqual([]);
  });

  it('ends each at its own deadline, also one that comes back while younger ones wait', async () => {
    limits.operations = 1;
    const returning = operation('returning', { inMs: 150 });
    group.add(returning);
    add('a');
    await turnIsOver();
    group.add(operation('first', { inMs: 60 }));
    group.add(operation('young', { inMs: 3_000 }));
    await once(told, 'expired');
    group.add(returning);
    await once(told, 'expired');
    expect(expired.map(({ name }) => name)).toEqual(['first', 'returning']);
    expect(expired[1]!.lateMs).toBeLessThan(1500);
  });

  it('leaves nobody behind, whatever comes in whatever order', async () => {
    const names = Array.from({ length: 500 }, (_, at) => `${at}`);
    for (const name of names) {
      if (Number(name) % 7 === 0) await turnIsOver();
      group.add(operation(name, { bytes: (Number(name) * 13) % 60 }));
      if (Number(name) % 5 === 0) batches[Number(name) / 5]?.end();
    }
    for (let at = 0; at < batches.length || sent().flat().length < names.length; at++) {
      batches[at]!.end();
      await eventLoopTurn();
    }
    expect(sent().flat().toSorted()).toEqual(names.toSorted());
  });
});
