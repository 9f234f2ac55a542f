// node quick-start.mjs FILE: writes the README's quick start there, word for word.
import { readFileSync, writeFileSync } from 'node:fs';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const code = /^## Quick start\n+```ts\n(.*?)^```$/ms.exec(readme)?.[1];
if (code === undefined) throw new Error('README.md does not begin its quick start with code');
writeFileSync(process.argv[2], code);
