import { expect, it } from '@jest/globals';
import { PUT } from '../../lib/kvi/key-change.js';
import { allKeys, type Fixture } from './backend.js';

export function tempKeysContract(fixture: Fixture): void {
  it('is there, tells of its owner, and is gone at close', async () => {
    const [kvi, other] = await fixture.openSeveral(2);
    await kvi!.tempKey('member');
    expect(JSON.parse((await other!.get('member'))!)).toEqual({
      host: expect.any(String),
      pid: process.pid,
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      application: expect.any(String),
    });
    await kvi!.close();
    expect(await allKeys(fixture.foreign)).toEqual([]);
  });

  it('comes back by itself after a lost lease, again and again', async () => {
    const kvi = await fixture.open();
    await kvi.tempKey('member');
    for (let i = 0; i < 3; i++) {
      const back = kvi.changes('member', { op: PUT }).next();
      await kvi.store('barrier', '');
      await fixture.revokeLeaseOf('member');
      expect((await back).value).toMatchObject({ key: 'member', op: PUT });
    }
    await kvi.close();
    expect(await allKeys(fixture.foreign)).toEqual(['barrier']);
  });

  it.each(['the owner', 'another'])('does not come back after a delete by %s', async (who) => {
    const [kvi, other] = await fixture.openSeveral(2);
    await kvi!.tempKey('member');
    await kvi!.tempKey('second');
    const { kvs } = await fixture.foreign.range({ key: 'member' });
    await (who === 'another' ? other : kvi)!.delete('member');
    await fixture.logger.line('warn', /'member'.*deleted/);
    const back = kvi!.changes('second', { op: PUT }).next();
    await kvi!.store('barrier', '');
    await fixture.foreign.leaseRevoke(kvs[0]!.lease);
    await back;
    expect(await kvi!.get('member')).toBeUndefined();
    expect(await kvi!.get('second')).toBeDefined();
  });

  it('belongs to whoever called last; the former owner neither heals nor deletes it', async () => {
    const [former, owner] = await fixture.openSeveral(2);
    await former!.tempKey('member');
    await owner!.tempKey('member');
    await fixture.logger.line('warn', /'member'.*another/);
    await former!.close();
    expect(await owner!.get('member')).toBeDefined();
    await owner!.close();
    expect(await allKeys(fixture.foreign)).toEqual([]);
  });

  it('that is stored over becomes an ordinary key', async () => {
    const [kvi, other] = await fixture.openSeveral(2);
    await kvi!.tempKey('member');
    await other!.store('member', 'mine now');
    await fixture.logger.line('warn', /'member'.*another/);
    await kvi!.close();
    expect(await other!.get('member')).toBe('mine now');
  });

  it('may be asked for twice, and after it was given up', async () => {
    const kvi = await fixture.open();
    await kvi.tempKey('member');
    await kvi.tempKey('member');
    await kvi.delete('member');
    await kvi.tempKey('member');
    const back = kvi.changes('member', { op: PUT }).next();
    await kvi.store('barrier', '');
    await fixture.revokeLeaseOf('member');
    await back;
    await kvi.close();
    expect(await allKeys(fixture.foreign)).toEqual(['barrier']);
  });
}
