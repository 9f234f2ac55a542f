import type { Life } from './history.js';
import { type Hold, holdInWords, overlaps } from './holds.js';
import { Lives } from './lives.js';

/**
 * Never two leaders at once, among processes that were not stopped.
 *
 * @param terms from the call of `@OnElected` to the abort of its signal, or to the end of its last method if that is earlier
 */
export function leadershipViolations(terms: readonly Hold[], lives: readonly Life[]): string[] {
  return overlaps(terms, new Lives(lives)).map((pair) => `Two lead: ${pair.map(holdInWords).join(' and ')}`);
}
