// Copied to where an application would be: it imports modules, and prints how many milliseconds the last one took.

const modules = process.argv.slice(2);
const last = modules.pop();
for (const one of modules) await import(one);
const start = performance.now();
await import(last);
process.stdout.write(String(performance.now() - start), () => process.exit());
