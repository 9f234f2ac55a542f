import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const manifest = new URL('../../package.json', import.meta.url);
const { name, exports } = JSON.parse(readFileSync(manifest, 'utf8'));

/** What the package can be imported by, where that is written and where it is declared once it is built. */
export const entryPoints = Object.entries(exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([path, target]) => ({
    title: path === '.' ? 'index' : path.slice('./'.length),
    specifier: posix.join(name, path),
    source: target.import.types.replace('./dist/esm/', 'lib/').replace(/\.d\.ts$/, '.ts'),
    declarations: target.import.types,
  }));
