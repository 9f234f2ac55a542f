import { execFile } from 'node:child_process';
import { cp, lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = 'node_modules';

/** The table no longer fits the library: nothing is known of the mutation. */
export class TableError extends Error {}

/** A copy of the checkout as it is now, in which the library can be broken. */
export class Checkout {
  folder;

  static async copy() {
    const checkout = new Checkout();
    checkout.folder = await mkdtemp(join(tmpdir(), 'mutations-'));
    const tracked = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { stdout } = await run('git', tracked, { cwd: ROOT, maxBuffer: 2 ** 26 });
    const files = new Set(stdout.split('\0').filter((file) => file !== '' && file !== MODULES));
    for (const file of files) await checkout.#take(file);
    await symlink(join(ROOT, MODULES), join(checkout.folder, MODULES));
    return checkout;
  }

  /** With the edits in place. What they leave behind is undone when `use` is over. */
  async mutated(edits, use) {
    const originals = new Map();
    try {
      for (const edit of edits) await this.#edit(edit, originals);
      return await use();
    } finally {
      for (const [path, text] of originals) await writeFile(path, text);
    }
  }

  async build() {
    const args = [join(MODULES, 'typescript/bin/tsc'), '-p', 'lib/tsconfig.json'];
    try {
      await run(process.execPath, args, { cwd: this.folder });
    } catch ({ stdout }) {
      throw new TableError(`it does not compile:\n${stdout}`);
    }
  }

  async remove() {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  /** A file that git knows may have been deleted. */
  async #take(file) {
    const from = join(ROOT, file);
    const found = await lstat(from).catch(() => undefined);
    if (found?.isFile()) await cp(from, join(this.folder, file), { recursive: true });
  }

  async #edit({ file, piece, by }, originals) {
    const path = join(this.folder, file);
    const text = await readFile(path, 'utf8');
    const times = text.split(piece).length - 1;
    if (times !== 1) throw new TableError(`in ${file} this is there ${times} times, not once:\n${piece}`);
    if (!originals.has(path)) originals.set(path, text);
    await writeFile(
      path,
      text.replace(piece, () => by),
    );
  }
}
