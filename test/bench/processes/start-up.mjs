// From nothing to the first answer: what a program that is started waits for. It prints milliseconds.

const [contender, endpoint] = process.argv.slice(2);
const start = performance.now();
const { connect } = await import(`../contenders/${contender}.mjs`);
const client = await connect(endpoint);
await client.get('bench/start-up');
process.stdout.write(String(performance.now() - start), () => process.exit());
