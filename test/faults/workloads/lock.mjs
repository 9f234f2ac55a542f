const LOCKS = 3;
const TIMEOUTS_SEC = [0, 1, 4];
const HOLD_MS = 60;
const LONG_HOLD_MS = 3000;

/**
 * Locks that all want, with what they protect: a counter that is written with the fence, and one without.
 * `fenced/…` and `unfenced/…` hold the token, a number and a value that nobody else writes.
 */
export async function lock(client) {
  const { kvi, dice, requestMs } = client;
  const lane = client.lane('lock');

  async function acquire(name) {
    const timeoutSec = dice.pick(TIMEOUTS_SEC);
    const maxHoldSec = dice.percent(10) ? 0.5 : undefined;
    let hold;
    await lane.do('acquire', name, null, Math.max(timeoutSec * 1000, requestMs), async () => {
      hold = await kvi.lock(name, { timeoutSec, maxHoldSec });
      return hold.fencingToken;
    });
    return hold;
  }

  async function increment(key, token, store) {
    const { ok } = await lane.do('get', key, null, requestMs, () => kvi.get(key));
    if (ok === undefined) return false;
    const [, number] = (ok ?? '0 0').split(' ');
    const value = `${token} ${Number(number) + 1} ${client.newValue()}`;
    const stored = await lane.do('store', key, value, requestMs, () => store(key, value));
    return typeof stored === 'object';
  }

  /** Ends with the first write that is not known to be applied: it may be applied as long as the lock is held. */
  async function work(name, hold) {
    const token = hold.fencingToken;
    const isHeld = () =>
      lane.note('assert', name, token, () => {
        try {
          hold.assertHeld();
          return true;
        } catch {
          return false;
        }
      });
    while (isHeld() && dice.percent(70)) {
      if (!(await increment(`fenced/${name}`, token, (key, value) => hold.kv.store(key, value)))) return;
      if (!isHeld()) return;
      await increment(`unfenced/${name}`, token, (key, value) => kvi.store(key, value));
      await client.pause(dice.percent(3) ? LONG_HOLD_MS : HOLD_MS);
    }
  }

  while (!client.isOver) {
    const name = `lock/${dice.below(LOCKS)}`;
    const hold = await acquire(name);
    if (hold !== undefined) {
      const token = hold.fencingToken;
      hold.signal.addEventListener('abort', () => lane.told('lost', name, token));
      if (hold.signal.aborted) lane.told('lost', name, token);
      await work(name, hold);
      await lane.do('release', name, token, requestMs, () => hold.release());
    }
    await client.rest();
  }
}
