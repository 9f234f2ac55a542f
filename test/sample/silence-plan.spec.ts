import { describe, expect, it } from '@jest/globals';
import { isSilent } from '../../sample/generator/silence.plan.js';

/** The plan of the first beats, `.` a report and `_` none. */
function draw(index: number, beats: number): string {
  return Array.from({ length: beats }, (_, beat) => (isSilent(index, beat) ? '_' : '.')).join('');
}

describe('isSilent', () => {
  it('pauses once for short, once for long, and begins anew', () => {
    expect(draw(0, 48)).toBe(
      '...' + '_'.repeat(5) + '.'.repeat(12) + '_'.repeat(12) + '.'.repeat(8) + '...' + '_'.repeat(5),
    );
  });

  it('lets two nodes show a recovery and a removal within the first fifteen beats', () => {
    expect(draw(0, 15)).toBe('...' + '_'.repeat(5) + '.......');
    expect(draw(1, 16)).toBe('...' + '_'.repeat(12) + '.');
  });
});
