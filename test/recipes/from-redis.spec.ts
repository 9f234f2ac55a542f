import { expect, it } from '@jest/globals';
import type { Kvi } from 'nestjs-hmetcd';
import { addEntry } from './ledger.js';
import { Fleet } from './support/fleet.js';

const numbers = Array.from({ length: 20 }, (_, number) => String(number));

it('loses no entry of two replicas that add at the same time', async () => {
  const fleet = new Fleet();
  const handles = [await fleet.operator(), await fleet.operator()];
  const entries = handles.flatMap((kvi, replica) =>
    numbers.map((number) => ({ kvi, entry: `${replica}-${number}` })),
  );
  await Promise.all(entries.map(({ kvi, entry }) => addEntry(kvi, entry)));
  const ledger = JSON.parse((await handles[0]!.get('ledger-entries'))!) as string[];
  expect(ledger.toSorted()).toEqual(entries.map(({ entry }) => entry).toSorted());
});

it('writes nothing once the lock is lost, before it is told', async () => {
  const fleet = new Fleet();
  const [kvi, operator] = [await fleet.operator(), await fleet.operator()];
  const losing = new Proxy(kvi, {
    get(target, name: keyof Kvi) {
      if (name !== 'get') return (target[name] as () => unknown).bind(target);
      return async (key: string) => {
        const text = await target.get(key);
        await operator.delete((await operator.lockInfo('ledger')).holder!.key);
        await addEntry(operator, 'of another');
        return text;
      };
    },
  });
  await expect(addEntry(losing, 'late')).rejects.toMatchObject({ name: 'LockLostError' });
  expect(await operator.get('ledger-entries')).toBe('["of another"]');
});
