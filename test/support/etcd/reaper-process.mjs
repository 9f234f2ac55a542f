import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

// Outlives the tests that started it, however they ended: a worker killed with SIGKILL runs no exit handler, and
// Jest gives its sandbox a `process` whose 'exit' never comes. The end of its input is the end of the tests.

/** Folders, each with the id of the process that works in it, if one does. */
const kept = new Map();

for await (const line of createInterface({ input: process.stdin })) {
  const { folder, pid, isGone } = JSON.parse(line);
  if (isGone) kept.delete(folder);
  else kept.set(folder, pid);
}

for (const [folder, pid] of kept) {
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
