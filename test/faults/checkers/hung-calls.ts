import { inWords, type Life, type Operation, processOf } from './history.js';
import { Lives, without } from './lives.js';

/** How much longer than promised a call may take. */
const GRACE_MS = 1000;

/**
 * Every call ends within the time that it was promised to take, of what its process was awake.
 *
 * @param until when the histories ended
 */
export function hungCalls(operations: readonly Operation[], lives: readonly Life[], until: number): string[] {
  const known = new Lives(lives);
  return operations.flatMap((operation) => {
    const { invokedAt, deadlineMs = Infinity } = operation;
    const process = processOf(operation);
    const to = operation.returnedAt ?? Math.min(known.endOf(process), until);
    if (to - invokedAt <= deadlineMs + GRACE_MS) return [];
    const awake = without({ from: invokedAt, to }, known.absences(process));
    const tookMs = awake.reduce((sum, part) => sum + part.to - part.from, 0);
    if (tookMs <= deadlineMs + GRACE_MS) return [];
    return [
      `${inWords(operation)} at ${invokedAt} took ${Math.round(tookMs)} ms, but was to end within ${deadlineMs}`,
    ];
  });
}
