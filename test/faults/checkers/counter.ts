import type { KeyChange } from '../../../lib/kvi/key-change.js';
import { groupBy } from '../support/group-by.js';

/**
 * A counter that holders of a lock have read and written one higher goes up by one each time: nobody wrote between
 * another's read and write.
 *
 * @param changes of counters, in order
 * @param numberOf reads a counter's value
 */
export function counterViolations(
  changes: readonly KeyChange[],
  numberOf: (value: string) => number,
): string[] {
  return [...groupBy(changes, ({ key }) => key)].flatMap(([key, ofOne]) => {
    let before = 0;
    return ofOne.flatMap(({ value, revision }) => {
      const number = value === undefined ? 0 : numberOf(value);
      const isNext = number === before + 1;
      const told = `${key} went from ${before} to ${number} at revision ${revision}`;
      before = number;
      return isNext ? [] : [told];
    });
  });
}
