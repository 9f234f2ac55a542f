import { openSync, writeSync } from 'node:fs';
import { open } from '../../../dist/esm/kvi/open.js';
import { HmEtcdError, OutcomeUnknownError } from '../../../dist/esm/store/errors.js';

// Some clients that write what can be counted, each a handle of its own. What is to be written stands in the journal
// before it is sent, and what became of it as soon as that is known: the process may be killed at any time.

const LANES = 6;
const COUNTERS = 4;
const LISTS_GROW_FOR = 25;
const LOCKS = 4;

const { endpoints, journal, clients, run, count, requestTimeoutMs } = JSON.parse(process.argv[2]);
const silent = () => {};
const logger = { debug: silent, log: silent, warn: silent, error: silent };
const options = { logger, requestTimeoutMs, connectTimeoutMs: 20_000, sessionTtlSec: 5 };
const file = openSync(journal, 'a');

let begun = 0;

/** Writes once, and answers 'true', 'false', 'unknown' or 'not applied'. `value` is what a watcher sees, if anything. */
async function write(key, value, send) {
  const id = ++begun;
  note({ id: `${run}.${id}`, key, value });
  const told = await send().then((answer) => String(answer ?? true), outcomeOf);
  note({ id: `${run}.${id}`, told });
  return told;
}

function note(line) {
  writeSync(file, `${JSON.stringify(line)}\n`);
}

function outcomeOf(error) {
  if (!(error instanceof HmEtcdError)) throw error;
  return error instanceof OutcomeUnknownError ? 'unknown' : 'not applied';
}

/** Whatever may fail without anything having been written. */
async function attempt(read) {
  try {
    return await read();
  } catch (error) {
    outcomeOf(error);
    return undefined;
  }
}

function below(end) {
  return Math.floor(Math.random() * end);
}

/** The kinds of writes, each as often as it stands there. */
function writesOf(kvi, name) {
  const owned = (lane) => `data/own/${name}/${lane}`;
  let items = 0;
  const newItem = () => `${name}.${run}.${++items}`;

  async function change(key, first, next) {
    const found = await attempt(async () => ({ value: await kvi.get(key) }));
    if (found === undefined) return;
    const { value } = found;
    const written = value === undefined ? first : next(value);
    await write(key, written, () =>
      value === undefined ? kvi.createIfAbsent(key, written) : kvi.tas(key, value, written),
    );
  }

  const increment = () =>
    change(`data/counter/${below(COUNTERS)}`, '1', (value) => String(Number(value) + 1));
  const append = () => {
    const item = newItem();
    return change(`data/list/${Math.floor(items / LISTS_GROW_FOR)}`, item, (value) => `${value},${item}`);
  };
  /** The same values come again and again, so a late copy would find what it compares with. */
  const flip = () => change(`data/flag/${below(2)}`, 'off', (value) => (value === 'on' ? 'off' : 'on'));
  const storeNew = () => {
    const item = newItem();
    return write(`data/item/${item}`, item, () => kvi.store(`data/item/${item}`, item));
  };
  /** The second is not waited with until the first is answered. */
  const storeTwo = (lane) =>
    Promise.all(
      [newItem(), newItem()].map((item) => write(owned(lane), item, () => kvi.store(owned(lane), item))),
    );
  const comeAndGo = async () => {
    const item = newItem();
    const key = `data/guest/${item}`;
    const told = await write(key, item, () => kvi.createIfAbsent(key, item));
    if (told === 'true') await write(key, undefined, () => kvi.delete(key));
  };
  const underLock = () => {
    const lock = below(LOCKS);
    const key = `data/fenced/${lock}`;
    return attempt(() =>
      kvi.withLock(`lock-${lock}`, { timeoutSec: 5 }, async ({ kv }) => {
        const [number] = ((await kvi.get(key)) ?? '0').split(' ');
        const written = `${Number(number) + 1} ${newItem()}`;
        await write(key, written, () => kv.store(key, written));
      }),
    );
  };
  return [
    ...Array(7).fill(increment),
    ...Array(4).fill(append),
    ...Array(3).fill(flip),
    ...Array(3).fill(storeNew),
    ...Array(2).fill(storeTwo),
    ...Array(2).fill(comeAndGo),
    underLock,
  ];
}

function isMoreToDo() {
  return begun < count;
}

async function work(name) {
  const kvi = await open(endpoints, options);
  const writes = writesOf(kvi, name);
  const lane = async (_, number) => {
    while (isMoreToDo()) await writes[below(writes.length)](number);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await kvi.close();
}

process.on('disconnect', () => process.exit());
await Promise.all(clients.map(work));
process.disconnect();
