import { tracingChannel } from 'node:diagnostics_channel';
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { open } from 'nestjs-hmetcd';

const uncaught = [];
process.on('uncaughtException', ({ message }) => uncaught.push(message));

const quiet = () => undefined;
const kvi = await open('mem:', { logger: { debug: quiet, log: quiet, warn: quiet, error: quiet } });
await kvi.store('key', '1');
const parts = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
tracingChannel('nestjs-hmetcd:call').subscribe(
  Object.fromEntries(
    parts.map((part) => [
      part,
      () => {
        throw new Error(`listener of ${part}`);
      },
    ]),
  ),
);
const value = await kvi.get('key');
await endOfTurn();
console.log(JSON.stringify({ value, uncaught }));
