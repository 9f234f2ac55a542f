import { outcomeOf } from './operations.mjs';

const PERIOD_MS = 6000;

/** In an outage nothing is found. */
function nothing(error) {
  outcomeOf(error);
  return [];
}

/** Reads keys that are out of use for the last time, and takes them away. */
export async function tidy(client) {
  const { kvi, requestMs } = client;
  const lane = client.lane('tidy');
  const oldKeys = async (family) => {
    const pairs = await kvi.getPrefix(`${family}/`);
    return pairs.map(({ key }) => key).filter((key) => client.isOld(key));
  };
  const families = {
    /** What a write of long ago may have done is seen here. */
    async reg(key) {
      await lane.do('get', key, null, requestMs, () => kvi.get(key));
      await lane.do('delete', key, null, requestMs, () => kvi.delete(key));
    },
    /** A list that is taken away is none of those that only grow. */
    list: (key) => lane.do('call', 'delete', null, requestMs, () => kvi.delete(key)),
  };
  while (!client.isOver) {
    await client.rest(PERIOD_MS);
    for (const [family, takeAway] of Object.entries(families)) {
      const old = await oldKeys(family).catch(nothing);
      for (const key of old) await takeAway(key);
    }
  }
}
