import { execFile } from 'node:child_process';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stopLater, stopped } from './cleanup.js';
import { unmountLater } from './reaper.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

const run = promisify(execFile);

/** Takes as much of the real disk as is written to it. */
const SIZE_BYTES = 512 * 1024 * 1024;

/** A disk that can be stalled, or why this machine gives none: that takes root, loop devices and `fsfreeze`. */
export async function tryLoopDisk(): Promise<LoopDisk | Error> {
  const disk = new LoopDisk(await temporaryFolder('disk'));
  try {
    await disk.mount();
    await disk.freeze();
    await disk.thaw();
    return disk;
  } catch (cause) {
    await disk[Symbol.asyncDispose]();
    return new Error(`no disk can be stalled here: ${(cause as Error).message.trim()}`, { cause });
  }
}

/** A small file system of its own, in a file. */
export class LoopDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly folder: string;
  readonly #base: string;
  #isMounted = false;
  #isFrozen = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param base of nobody else */
  constructor(base: string) {
    this.#base = base;
    this.folder = join(base, 'disk');
    stopLater(this);
  }

  async mount(): Promise<void> {
    const image = join(this.#base, 'image');
    await writeFile(image, '');
    await truncate(image, SIZE_BYTES);
    await run('mkfs.ext4', ['-q', '-F', image]);
    await mkdir(this.folder);
    unmountLater(this.#base, this.folder);
    await run('mount', ['-o', 'loop', image, this.folder]);
    this.#isMounted = true;
  }

  /** Whoever writes to it waits until `thaw`, and cannot even be killed. */
  freeze(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isFrozen) return;
      await run('fsfreeze', ['--freeze', this.folder]);
      this.#isFrozen = true;
    });
  }

  /** A no-op for one that is not frozen. */
  thaw(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#isFrozen) return;
      await run('fsfreeze', ['--unfreeze', this.folder]);
      this.#isFrozen = false;
    });
  }

  /** The loop device goes with the mount, and this with the last process on it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.thaw();
    if (this.#isMounted) await run('umount', ['--lazy', this.folder]);
    this.#isMounted = false;
    await removeFolder(this.#base);
    stopped(this);
  }

  /** One that thaws while another freezes would find nothing to thaw. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
