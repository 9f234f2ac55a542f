import { DELETE, type Kvi, PUT } from 'nestjs-hmetcd';

export async function everyFunction(kvi: Kvi): Promise<void> {
  // Store, Get, Delete
  await kvi.store('rack/x1', 'ready');
  await kvi.get('rack/x1'); // 'ready'; undefined for a missing key
  await kvi.delete('rack/x9'); // a missing key is no error

  // GetRange: both ends included, in byte order
  await kvi.getRange('rack/x0', 'rack/x9'); // [{ key: 'rack/x1', value: 'ready' }]

  // Transaction: if rack/x1 = 'ready' then write alarm, else write log
  await kvi.transaction('rack/x1', '=', 'ready', 'alarm', 'off', 'log', 'not ready'); // true

  // TAS: false for a missing key
  await kvi.tas('rack/x1', 'ready', 'busy'); // true

  // TempKey: there as long as this process
  await kvi.tempKey('alive/worker-1');

  // Watch: the next change
  const change = kvi.watch('rack/x1');
  await kvi.store('rack/x1', 'ready');
  await change; // { key: 'rack/x1', op: PUT, value: 'ready', revision: 7 }

  // WatchWithCB, WatchCBCancel
  const handle = await kvi.watchWithCB('rack/x1', DELETE, (key) => console.log(`${key} is gone`));
  await kvi.watchCBCancel(handle);
  await handle.closed; // 'cancelled'

  // DistLock, DistTimedLock, DistUnlock: one lock for all programs that share its name, Go ones included
  await kvi.distLock(); // waits for ever
  await kvi.distUnlock();
  await kvi.distTimedLock(5, { maxHoldSec: 60 }); // waits 5 seconds; 0 is one try
  await kvi.distUnlock();

  // From here on: beyond the original.

  await kvi.createIfAbsent('rack/x1', 'new'); // false: it exists
  await kvi.getPrefix('rack/'); // [{ key: 'rack/x1', value: 'ready' }]
  for await (const { key, value } of kvi.scan({ prefix: 'rack/' })) console.log(key, value); // in bounded memory

  // Locks by name. Each call is an acquisition of its own.
  {
    await using lock = await kvi.lock('billing', { timeoutSec: 5 });
    lock.assertHeld(); // throws LockLostError when it is not
    await lock.kv.store('invoice/17', 'sent'); // written only if the lock is still held: the store decides
  }
  await kvi.lockInfo('billing'); // { holder: { key, lease, fencingToken, host, pid, application … }, queue: [] }
  await kvi.withLock('billing', { timeoutSec: 5 }, async (lock) => {
    await fetch('data:,charge', { signal: lock.signal }); // stops when the lock is lost
  });

  // Every change of a range, from a state on that you have seen
  const { revision } = await kvi.snapshot({ prefix: 'rack/' });
  const changes = kvi.changes({ prefix: 'rack/' }, { fromRevision: revision + 1, prevValue: true });
  await kvi.store('rack/x1', 'busy');
  for await (const { key, op, value, prevValue } of changes) {
    if (op === PUT) console.log(`${key}: ${prevValue} -> ${value}`); // rack/x1: ready -> busy
    break;
  }

  // A range as a map that follows the store
  {
    await using view = await kvi.observe({ prefix: 'rack/' });
    view.onChange(({ key, value }) => console.log(`${key} is ${value}`)); // rack/x1 is ready
    await kvi.store('rack/x1', 'ready');
    await view.sync(); // it shows every write that was answered before this call
    console.log([...view]); // [['rack/x1', 'ready']]
    if (!view.isCurrent) console.log(`no word from the store since ${view.staleSince?.toISOString()}`);
  }

  // Whether the store can be used, and if not, why
  const { status, reason } = await kvi.health({ timeoutMs: 1000 }); // never throws for what is wrong
  if (status !== 'healthy') console.log(`${status}: ${reason}`); // 'unreachable', 'no-quorum', 'alarm' …

  // Close
  await kvi.close();
}
