import { connect } from '../contenders/connect.mjs';

// By how many bytes a process grows that scans: each time a new one, for a process hardly ever shrinks.

const SAMPLE_EVERY = 1_000;

const [endpoint, prefix] = process.argv.slice(2);
const kvi = await connect('ours', endpoint);
await kvi.get(prefix);
globalThis.gc();
const before = process.memoryUsage.rss();
let [highest, keys] = [before, 0];
for await (const pair of kvi.scan({ prefix })) {
  void pair;
  keys += 1;
  if (keys % SAMPLE_EVERY === 0) highest = Math.max(highest, process.memoryUsage.rss());
}
process.stdout.write(JSON.stringify({ keys, grewBy: highest - before }), () => process.exit());
