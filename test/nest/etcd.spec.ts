import { describe, expect, it } from '@jest/globals';
import { compact, newStore, openOn } from './support/stores.js';

// Were newStore() one of `mem:` here, every test of the Nest floor would pass, and nothing would have run on etcd.
describe('the stores of the Nest tests on etcd', () => {
  it('are namespaces of their own on a server', async () => {
    const [one, other] = [newStore(), newStore()];
    expect([one.endpoint, other.endpoint]).toEqual([expect.stringMatching(/^http:/), one.endpoint]);
    const [kvi, otherKvi] = await Promise.all([openOn(one), openOn(other)]);
    await kvi.store('key', 'value');
    expect(await otherKvi.get('key')).toBeUndefined();
    await Promise.all([kvi.close(), otherKvi.close()]);
  });

  it('forget their history when they are told to', async () => {
    const place = newStore();
    const kvi = await openOn(place);
    for (const value of ['1', '2', '3']) await kvi.store('key', value);
    const { revision } = await kvi.snapshot('key');
    await compact(place, revision);
    const changes = kvi.changes('key', { fromRevision: revision - 1 });
    await expect(changes.next()).rejects.toMatchObject({ name: 'CompactedError', revision: revision + 1 });
    await kvi.close();
  });
});
