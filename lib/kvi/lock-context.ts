import { AsyncLocalStorage } from 'node:async_hooks';
import type { HeldLock } from './kvi.js';

/** A function that runs under a lock, as the code inside sees it. */
export interface LockedSection {
  /** Whose section: the same name on another handle is another lock. */
  readonly owner: object;
  readonly lock: HeldLock;
  outer: LockedSection | undefined;
  /** The function has returned; what it started may go on, but not under the lock. */
  hasEnded: boolean;
}

const sections = new AsyncLocalStorage<LockedSection>();

/**
 * The lock that the running code is under: the innermost live hold of `withLock` and `@DistLocked` in this async
 * context, of whatever handle.
 *
 * @returns undefined outside, after the locked function returned, and after the lock was lost
 * @publicApi
 */
export function currentLock(): HeldLock | undefined {
  return findSection((section) => section.lock.isHeld)?.lock;
}

/** The section of this async context that runs under the named lock of a handle; its lock may have been lost. */
export function enclosingSection(owner: object, name: string): LockedSection | undefined {
  return findSection((section) => section.owner === owner && section.lock.name === name);
}

/** Runs `fn` as a section of its own. */
export async function runInSection<T>(owner: object, lock: HeldLock, fn: () => Promise<T>): Promise<T> {
  const outer = liveSection(sections.getStore());
  // A job that starts its own successor, and so on, would otherwise keep all its predecessors in memory.
  if (outer !== undefined) outer.outer = liveSection(outer.outer);
  const section: LockedSection = { owner, lock, outer, hasEnded: false };
  try {
    return await sections.run(section, fn);
  } finally {
    section.hasEnded = true;
  }
}

function findSection(accept: (section: LockedSection) => boolean): LockedSection | undefined {
  let section = liveSection(sections.getStore());
  while (section !== undefined && !accept(section)) section = liveSection(section.outer);
  return section;
}

/** The section itself, or the nearest around it that has not ended. */
function liveSection(section: LockedSection | undefined): LockedSection | undefined {
  let live = section;
  while (live?.hasEnded) live = live.outer;
  return live;
}
