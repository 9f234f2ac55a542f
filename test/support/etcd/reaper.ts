import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('reaper-process.mjs', import.meta.url));

let reaper: ChildProcess | undefined;

/** Has `folder` removed, and before it the process that works in it, should this process end before `forget`. */
export function reapLater(folder: string, pid?: number): void {
  tell({ folder, pid });
}

/** The same for a folder below which a disk is mounted, which is first thawed and unmounted. */
export function unmountLater(folder: string, mountPoint: string): void {
  tell({ folder, mountPoint });
}

export function forget(folder: string): void {
  tell({ folder, isGone: true });
}

function tell(line: object): void {
  reaper ??= startReaper();
  reaper.stdin?.write(`${JSON.stringify(line)}\n`);
}

function startReaper(): ChildProcess {
  // A session of its own: Ctrl-C ends the tests and must not end it before it has done its work.
  const child = spawn(process.execPath, [SCRIPT], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  child.unref();
  (child.stdin as Socket).unref();
  return child;
}
