import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { pathToFileURL } from 'node:url';
import { keysOf, VALUES } from '../data.mjs';
import { median } from '../statistics.mjs';
import { throughput } from '../throughput.mjs';

// How many times as many gets per second one side makes as another: a build beside one without the checks for
// listeners, or with listeners beside without. They take turns many times within one process, because what is to be
// seen is less than what a machine does to two processes that are otherwise alike.

const KEYS = 4_096;
const WARM_UP_CALLS = 40_000;
const TURNS = 20;

const TRACED = ['call', 'batch', 'lock.wait', 'lock.hold'];
const PARTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
const CHANNELS = ['watch.lost', 'watch.resumed', 'watch.lag', 'watch.resync']
  .concat(['session.granted', 'session.renewed', 'session.lost', 'session.ended'])
  .map((name) => `nestjs-hmetcd:${name}`)
  .concat(TRACED.flatMap((name) => PARTS.map((part) => `tracing:nestjs-hmetcd:${name}:${part}`)));

let heard = 0;
const listener = () => void heard++;
const listen = () => CHANNELS.forEach((name) => subscribe(name, listener));
const stopListening = () => CHANNELS.forEach((name) => unsubscribe(name, listener));

const [endpoint, given] = process.argv.slice(2);
const { build, other, oursFirst, inFlight, listens, measureMs } = JSON.parse(given);

async function sideOf(folder, name, isHeard) {
  const { open } = await import(pathToFileURL(`${folder}index.js`).href);
  const quiet = () => undefined;
  const logger = { debug: quiet, log: quiet, warn: console.error, error: console.error };
  const kvi = await open(endpoint, { logger, requestTimeoutMs: 60_000 });
  const keys = keysOf(`bench/listeners/${name}`, KEYS);
  await Promise.all(keys.map((key) => kvi.store(key, VALUES[0])));
  const get = (call) => kvi.get(keys[call % KEYS]);
  const measured = await prepared(get, isHeard);
  return { measure: () => heardOr(isHeard, measured), close: () => kvi.close() };
}

function prepared(get, isHeard) {
  return heardOr(isHeard, async () => {
    for (let first = 0; first < WARM_UP_CALLS; first += inFlight) {
      await Promise.all(Array.from({ length: inFlight }, (_, at) => get(first + at)));
    }
    return throughput(get, inFlight, measureMs / 4);
  });
}

async function heardOr(isHeard, run) {
  if (!isHeard) return run();
  listen();
  try {
    return await run();
  } finally {
    stopListening();
  }
}

const prepareOurs = () => sideOf(build, 'ours', listens);
let ours = oursFirst ? await prepareOurs() : undefined;
const without = await sideOf(other, 'other', false);
ours ??= await prepareOurs();
const ratios = [];
for (let turn = 0; turn < TURNS; turn++) {
  const figures = new Map();
  for (const side of turn % 2 === 0 ? [ours, without] : [without, ours])
    figures.set(side, await side.measure());
  ratios.push(figures.get(ours) / figures.get(without));
}
if (heard > 0 !== listens) throw new Error(`There were ${heard} messages.`);
await Promise.all([ours.close(), without.close()]);
console.log(median(ratios));
