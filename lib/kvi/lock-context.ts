import { AsyncLocalStorage } from 'node:async_hooks';
import type { HeldLock } from './kvi.js';

/** A function that runs under a lock, as the code inside sees it. */
export interface LockedSection {
  /** Whose section: the same name on another handle is another lock. */
  readonly owner: object;
  readonly lock: HeldLock;
  readonly outer: LockedSection | undefined;
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
  const section: LockedSection = { owner, lock, outer: sections.getStore(), hasEnded: false };
  try {
    return await sections.run(section, fn);
  } finally {
    section.hasEnded = true;
  }
}

function findSection(accept: (section: LockedSection) => boolean): LockedSection | undefined {
  let section = sections.getStore();
  while (section !== undefined && (section.hasEnded || !accept(section))) section = section.outer;
  return section;
}
