import { Journal, machineMs } from './child.mjs';

const PREFIX = 'temp/';
const LOOK_MS = 1500;
/** Of those that are gone the oldest are forgotten. */
const MOST_MISSED = 100;

/** Each has the time of a call. A page that was not answered at once is asked for with few keys, and others follow it. */
const PAGES = 3;

const journal = new Journal('temp-keys');

/** A temporary key of each client, and a look at those of all. */
export async function tempKeys(client) {
  const { kvi, requestMs } = client;
  const lane = client.lane('temp-keys');
  const own = PREFIX + client.name;
  const known = new Set();
  let isMade = false;
  while (!client.isOver) {
    if (!isMade) {
      const made = await lane.do('call', 'tempKey', null, requestMs, () => kvi.tempKey(own));
      isMade = typeof made === 'object';
      if (isMade) journal.note({ key: own, madeAt: machineMs() });
    }
    await look(lane, client, known);
    await client.rest(LOOK_MS);
  }
}

/** Says of each key that was ever there whether it is there. */
async function look(lane, { kvi, requestMs }, known) {
  const invokedAt = machineMs();
  let found;
  await lane.do('call', 'getPrefix', null, PAGES * requestMs, async () => {
    found = new Set((await kvi.getPrefix(PREFIX)).map(({ key }) => key));
  });
  if (found === undefined) return;
  for (const key of found) known.add(key);
  const missing = [...known].filter((key) => !found.has(key));
  journal.note({ invokedAt, returnedAt: machineMs(), found: [...found], missing });
  for (const key of missing.slice(0, -MOST_MISSED)) known.delete(key);
}
