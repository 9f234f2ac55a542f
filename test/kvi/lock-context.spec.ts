import { setImmediate as eventLoopTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { HeldLock } from '../../lib/kvi/kvi.js';
import { currentLock, enclosingSection, runInSection } from '../../lib/kvi/lock-context.js';
import { gate } from '../contract/backend.js';

const owner = {};

function lockNamed(name: string): HeldLock {
  return { name, isHeld: true } as HeldLock;
}

describe('the sections of an async context', () => {
  /** Each section begins the next one, and how many of them the innermost one can see. */
  async function relay(
    left: number,
    begin: (nextSection: () => Promise<number>) => Promise<number>,
  ): Promise<number> {
    let innermost = Promise.resolve(0);
    await runInSection(owner, lockNamed(String(left)), async () => {
      await eventLoopTurn();
      innermost = left > 0 ? begin(() => relay(left - 1, begin)) : Promise.resolve(depth());
    });
    return innermost;
  }

  function depth(): number {
    let count = 0;
    for (let at = enclosingSection(owner, '0'); at !== undefined; at = at.outer) count++;
    return count;
  }

  it('do not keep those alive that ended before they began', async () => {
    expect(await relay(20, async (nextSection) => (await eventLoopTurn(), nextSection()))).toBe(1);
  });

  it('do not keep those alive that ended before the one around them began', async () => {
    expect(await relay(20, (nextSection) => nextSection())).toBeLessThanOrEqual(3);
  });

  it('show the live one around one that has ended', async () => {
    await runInSection(owner, lockNamed('outer'), async () => {
      const [ended, seen] = [gate(), gate()];
      let lock: HeldLock | undefined;
      await runInSection(owner, lockNamed('inner'), async () => {
        void ended.opened.then(() => {
          lock = currentLock();
          seen.open();
        });
      });
      ended.open();
      await seen.opened;
      expect(lock?.name).toBe('outer');
    });
  });
});
