import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { noteGaps } from '../../support/gaps.mjs';

// What all child processes of a run under fire have in common: what they are told at their start, what they write down,
// and what whoever started them may ask of them.

/** How long an event loop may stand still without being called blocked. */
const GAPS = { everyMs: 100, longerThanMs: 300 };

export const config = JSON.parse(process.argv[2]);

/** The one monotonic clock of all processes of the machine, in milliseconds. */
export function machineMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** One kind of what this process has seen, as JSON lines. Synchronous: the process may be killed at any time. */
export class Journal {
  #file;

  constructor(kind) {
    this.#file = openSync(join(config.folder, `${config.process}.${kind}.jsonl`), 'a');
  }

  note(line) {
    writeSync(this.#file, `${JSON.stringify(line)}\n`);
  }
}

/** What must never happen in a process that uses the library. */
process.on('unhandledRejection', (error) => tell({ strange: `unhandled rejection: ${inWords(error)}` }));
process.on('uncaughtException', (error) => tell({ strange: `uncaught exception: ${inWords(error)}` }));
process.on('warning', (warning) => {
  if (warning.name !== 'ExperimentalWarning') tell({ strange: `warning: ${inWords(warning)}` });
});

/** Whoever started it is gone. */
process.once('disconnect', () => process.exit());

const gaps = new Journal('gaps');
noteGaps(machineMs, GAPS, (gap) => gaps.note(gap));

const handlers = { block, measure: () => tell({ measured: measure() }) };
process.on('message', (message) => {
  for (const [name, value] of Object.entries(message)) void handlers[name]?.(value);
});

/** What else this process does when it is asked to. */
export function on(name, handler) {
  handlers[name] = handler;
}

/** @param finish closes everything; the process is then to end by itself. It is told the last that watches have to see. */
export function onFinish(finish) {
  on('finish', async (last) => {
    await finish(last);
    process.removeAllListeners('disconnect');
    process.disconnect();
  });
}

export function announce() {
  tell({ up: true });
}

function tell(message) {
  // One that is being left alone has nobody to tell.
  if (process.connected) process.send(message);
}

function inWords(error) {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** A calculation that takes long. */
function block(ms) {
  const end = machineMs() + ms;
  while (machineMs() < end);
}

function measure() {
  globalThis.gc?.();
  const resources = process.getActiveResourcesInfo();
  return {
    heapUsed: process.memoryUsage().heapUsed,
    sockets: resources.filter((name) => name === 'TCPSocketWrap').length,
    timers: resources.filter((name) => name === 'Timeout').length,
  };
}
