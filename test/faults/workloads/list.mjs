import { NotApplied } from './operations.mjs';

const TRIES = 5;

/** Lists that grow by reading one and setting it if it is still the same. */
export async function list(client) {
  const { kvi, dice, requestMs, restMs } = client;
  const lane = client.lane('list');
  const read = (key) => lane.do('read', key, null, requestMs, async () => itemsOf(await kvi.get(key)));
  const append = (key) => {
    const item = client.newValue();
    // Each try may take so long twice.
    return lane.do('append', key, item, TRIES * 2 * requestMs, () => appendTo(kvi, key, item));
  };
  while (!client.isOver) {
    await (dice.percent(40) ? read : append)(client.key('list'));
    await client.rest(2 * restMs);
  }
}

function itemsOf(value) {
  return value === undefined ? [] : value.split(',');
}

async function appendTo(kvi, key, item) {
  for (let tries = 0; tries < TRIES; tries++) {
    const value = await kvi.get(key);
    const isAppended =
      value === undefined
        ? await kvi.createIfAbsent(key, item)
        : await kvi.tas(key, value, `${value},${item}`);
    if (isAppended) return;
  }
  throw new NotApplied('others were faster');
}
