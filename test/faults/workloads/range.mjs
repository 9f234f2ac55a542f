import { Journal, machineMs } from './child.mjs';
import { outcomeOf } from './operations.mjs';

/** UTF-8 and UTF-16 put these in different orders. */
const NAMES = ['a', 'a\0', 'z', 'é', '\ue000', '\uffee', '\u{10000}', '\u{10000}a', '\u{10ffff}'];

const journal = new Journal('ranges');

/** Keys whose order matters, and ranges of them in every form in which they can be read. */
export async function range(client) {
  const { kvi, dice, requestMs } = client;
  const lane = client.lane('range');
  const name = `${client.name}-range`;
  const key = () => `odd/${dice.pick(NAMES)}`;
  const write = () => {
    const [written, value] = [key(), client.newValue()];
    return dice.percent(70)
      ? lane.do('store', written, value, requestMs, () => kvi.store(written, value))
      : lane.do('delete', written, null, requestMs, () => kvi.delete(written));
  };
  const pages = async ({ start, end }) => {
    const found = [];
    for await (const { key: one, value } of kvi.scan({ start, end })) found.push([one, value]);
    return found;
  };
  const pairs = (kvs) => kvs.map(({ key: one, value }) => [one, value]);
  const forms = [async (span) => pairs(await kvi.getRange(span.start, span.end)), pages];
  /** Between two snapshots, which say which revisions it may show. */
  const read = async () => {
    const span = { start: key(), end: key() };
    const form = dice.pick(forms);
    const invokedAt = machineMs();
    const before = await kvi.snapshot(span);
    const entries = await form(span);
    const after = await kvi.snapshot(span);
    for (const { revision, entries: shown } of [before, after])
      journal.note({ name, range: span, invokedAt, from: revision, to: revision, entries: pairs(shown) });
    journal.note({ name, range: span, invokedAt, from: before.revision, to: after.revision, entries });
  };
  while (!client.isOver) {
    if (dice.percent(50)) await write();
    else await read().catch(outcomeOf);
    await client.rest(2 * client.restMs);
  }
}
