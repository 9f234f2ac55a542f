import { open } from '../../../dist/esm/kvi/open.js';

// Uses everything there is, closes when it is told to, and is then to end by itself.

const [endpoint] = process.argv.slice(2);
const quiet = () => undefined;
const logger = { debug: quiet, log: quiet, warn: quiet, error: quiet };
const [kvi, other] = [await open(endpoint, { logger }), await open(endpoint, { logger })];
const late = (error) => process.stdout.write(`${error.name}\n`);

await kvi.store('a', '1');
await kvi.getRange('a', 'z');
await kvi.tempKey('temporary');
const held = await kvi.lock('held');
await other.distLock();
other.lock('held').catch(late);
kvi.watch('a').catch(late);
await kvi.watchWithCB('a', 1, (_key, value) => process.stdout.write(`a is ${value}\n`));
void (async () => {
  for await (const change of kvi.changes({ prefix: 'a' })) void change;
})().catch(late);

async function closeAll() {
  // More than Node lets listen to one signal without a warning.
  for (let reads = 0; reads < 20; reads++) other.get('a').catch(late);
  await Promise.all([kvi.close(), other.close()]);
  if (held.isHeld) throw new Error('a lock outlived its handle');
  process.stdout.write('closed\n');
}

process.once('SIGUSR2', () => void closeAll());
process.stdout.write('ready\n');
