// node add-project.mjs FOLDER: adds what `project/` has to a starter, and the module of its src/quick-start.ts to its own.
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2];
const added = fileURLToPath(new URL('project', import.meta.url));
const isEsm = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).type === 'module';

cpSync(added, folder, { recursive: true });
for (const file of readdirSync(added, { recursive: true })) {
  if (file.endsWith('.ts')) edit(file, inItsModules);
}

edit('src/app.module.ts', (source) => {
  const joined = source.replace('imports: [', 'imports: [QuickStart');
  if (joined === source) throw new Error('The AppModule of the starter has no imports');
  return inItsModules(`import { AppModule as QuickStart } from './quick-start.js';\n${joined}`);
});

function edit(file, change) {
  const path = join(folder, file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
}

/** The Jest of a CommonJS starter looks for files by the name that is given. */
function inItsModules(source) {
  return isEsm ? source : source.replaceAll(/( from '\.[^']*)\.js'/g, "$1'");
}
