import { beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { StoreReplacedError } from '../../../lib/store/errors.js';
import { CallError } from '../../../lib/store/etcd/call-errors.js';
import { Calls } from '../../../lib/store/etcd/calls.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';
import { Leases } from '../../../lib/store/etcd/leases.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';
import { poll } from '../../support/etcd/poll.js';
import { FakeMember, header } from './fake-member.js';

const denied = new CallError(7, 'etcdserver: permission denied');

describe('grant', () => {
  it.each([
    ['no id', { ID: '0', TTL: '10' }],
    ['an id below zero', { ID: '-5', TTL: '10' }],
    ['no time', { ID: '255', TTL: '0' }],
    ['less than no time', { ID: '255', TTL: '-1' }],
  ])('asks again where the answer has %s', async (_, answer) => {
    const good = { header: header(), ID: '255', TTL: '10' };
    const member = new FakeMember([{ header: header(), ...answer }, good]);
    const guard = new HistoryGuard(() => undefined);
    const tokens = new TokenSource(undefined);
    const leases = new Leases(new Calls([member.asMember], tokens, guard, 2000), tokens, guard);
    expect(await leases.grant(10)).toEqual({ id: 'ff', ttlSec: 10 });
  });
});

describe('keepAlive', () => {
  let member: FakeMember;
  let guard: HistoryGuard;
  let leases: Leases;
  let id: string;
  beforeEach(async () => {
    member = new FakeMember([{ header: header(), ID: '255', TTL: '10' }]);
    guard = new HistoryGuard(() => undefined);
    const tokens = new TokenSource(undefined);
    leases = new Leases(new Calls([member.asMember], tokens, guard, 2000), tokens, guard);
    ({ id } = await leases.grant(10));
  });

  /** Asks for a keep-alive, and has the server answer it in a raft term. */
  async function keepAlive(raftTerm: number, ttl = '10'): Promise<number> {
    const place = member.streams.length;
    const asked = leases.keepAlive(id);
    const stream = await poll('a stream', () => member.streams[place] ?? member.streams.at(-1));
    if (stream.written.length === 0) await once(stream, 'written');
    stream.emit('data', { header: header(raftTerm), ID: '255', TTL: ttl });
    return asked;
  }

  it('counts when a read that was asked for after it shows the same term', async () => {
    member.answer({ header: header(2) });
    expect(await keepAlive(2)).toBe(10);
    expect(member.calls.map(({ method }) => method)).toEqual(['leaseGrant', 'range']);
    expect(member.streams[0]!.written).toEqual([{ ID: { low: 255, high: 0 } }]);
  });

  it('does not count when its term is an old one, and the stream is given up', async () => {
    member.answer({ header: header(3) });
    await expect(keepAlive(2)).rejects.toThrow(/old term/);
    expect(member.streams[0]!.isCancelled).toBe(true);
  });

  it('does not count when the read is not answered', async () => {
    member.answer(new CallError(14, 'etcdserver: request timed out'));
    await expect(keepAlive(2)).rejects.toThrow(/timed out/);
  });

  it('takes the term from an empty transaction where the read is denied', async () => {
    member.answer(denied, { header: header(3) });
    await expect(keepAlive(2)).rejects.toThrow(/old term/);
    expect(member.calls.map(({ method }) => method)).toEqual(['leaseGrant', 'range', 'txn']);
  });

  it('says that a lease is gone', async () => {
    expect(await keepAlive(2, '0')).toBe(0);
  });

  it('is refused for a lease of another history', async () => {
    guard.begin()({ cluster_id: '2', revision: '9', raft_term: '2' });
    await expect(leases.keepAlive(id)).rejects.toThrow(StoreReplacedError);
  });
});
