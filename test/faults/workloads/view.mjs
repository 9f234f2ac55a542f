import { Journal, machineMs } from './child.mjs';
import { untilDone } from './until-done.mjs';

const LOOK_MS = 1500;

const journal = new Journal('views');

/** A live view, looked at now and then, often right after it was brought up to date. */
export async function view(client) {
  const { kvi, dice, requestMs } = client;
  const lane = client.lane('view');
  const range = { prefix: client.isFirst ? 'reg/' : `reg/${client.slot}/` };
  const name = `${client.name}-view`;
  journal.note({ name, range });
  const shown = await untilDone(client.over, () => kvi.observe(range));
  if (shown === undefined) return;
  const look = (syncedAt) =>
    journal.note({ name, revision: shown.revision, entries: [...shown.entries()], syncedAt });
  const lookInStep = async () => {
    const invokedAt = machineMs();
    const outcome = await lane.do('call', 'sync', null, requestMs, () => shown.sync());
    look(typeof outcome === 'object' ? invokedAt : undefined);
  };
  while (!client.isOver) {
    if (dice.percent(60)) await lookInStep();
    else look();
    await client.rest(LOOK_MS);
  }
  await lookInStep();
  await shown.close();
}
