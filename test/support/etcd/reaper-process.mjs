import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

// Outlives the tests that started it, however they ended: a worker killed with SIGKILL runs no exit handler, and
// Jest gives its sandbox a `process` whose 'exit' never comes. The end of its input is the end of the tests.

/** Folders, each with the id of the process that works in it, and where a disk is mounted in it, if there are. */
const kept = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const { folder, isGone, ...users } = JSON.parse(line);
  if (isGone) kept.delete(folder);
  else kept.set(folder, users);
}

for (const [folder, { pid, mountPoint }] of kept) {
  if (mountPoint !== undefined) unmount(mountPoint);
  if (pid !== undefined) kill(pid);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** The older a folder, the earlier its turn: the disk goes on before the process on it is killed, which cannot end else. */
function unmount(mountPoint) {
  attempt('fsfreeze', '--unfreeze', mountPoint);
  // As soon as the last process on it has ended.
  attempt('umount', '--lazy', mountPoint);
}

function attempt(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
  } catch {
    // It is not frozen, or not mounted any more.
  }
}
