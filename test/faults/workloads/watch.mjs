import { setTimeout as delay } from 'node:timers/promises';
import { CompactedError, StoreReplacedError } from '../../../dist/esm/store/errors.js';
import { Journal } from './child.mjs';
import { LastChange } from './last-change.mjs';
import { outcomeOf } from './operations.mjs';

const DELETE = 2;
const TRY_AGAIN_MS = 50;

const journal = new Journal('watches');

/** Follows changes. Now and then it leaves them, and goes on where it was. */
export async function watch(client) {
  const { range, ...options } = kindOf(client);
  const name = `${client.name}-watch`;
  journal.note({ name, range, prevValue: false, ...options });
  const leaving = new AbortController();
  const lastChange = new LastChange(client.lastRevision);
  const following = follow(client, range, { ...options, signal: leaving.signal }, (line) => {
    journal.note({ name, ...line });
    if (line.change !== undefined) lastChange.reach(line.change.revision);
    if (line.isReplaced) lastChange.startOver();
  });
  journal.note({ name, completeTo: await lastChange.reached });
  leaving.abort();
  await following;
}

/** All of it is too much for more than one of a process. */
function kindOf(client) {
  if (client.isFirst) return { range: { prefix: 'reg/' }, prevValue: true };
  const slot = { prefix: `reg/${client.slot}/` };
  return client.dice.pick([
    { range: { start: 'odd/', end: 'odd/\u{10ffff}' } },
    { range: slot, op: DELETE, prevValue: true },
    { range: slot, prevValue: true },
  ]);
}

async function follow(client, range, options, note) {
  let fromRevision;
  while (!options.signal.aborted) {
    try {
      const { revision } = await client.kvi.snapshot(range);
      // A stream that was not open when the store was replaced is not told of it.
      if (fromRevision > revision + 1) throw new StoreReplacedError('Its revision went back.');
      fromRevision ??= revision + 1;
      note({ fromRevision });
      for await (const change of client.kvi.changes(range, { ...options, fromRevision })) {
        // A revision is left only as a whole.
        const isNext = change.revision > fromRevision;
        fromRevision = change.revision;
        if (isNext && client.dice.percent(1)) break;
        note({ change });
      }
    } catch (error) {
      if (options.signal.aborted) return;
      outcomeOf(error);
      // What is missing was told to be missing.
      if (error instanceof CompactedError) fromRevision = undefined;
      if (error instanceof StoreReplacedError) {
        note({ isReplaced: true });
        fromRevision = undefined;
      }
      await delay(TRY_AGAIN_MS);
    }
  }
}
