import { describe, expect, it } from '@jest/globals';
import { InvalidArgumentError } from '../../../lib/store/errors.js';
import { refuseOverlap } from '../../../lib/store/memory/overlap.js';
import { OVERLAPPING, SEPARATE } from './overlaps.js';

describe('refuseOverlap', () => {
  it.each(OVERLAPPING)('refuses %s', (_, branch) => {
    expect(() => refuseOverlap({ success: branch })).toThrow(InvalidArgumentError);
    expect(() => refuseOverlap({ failure: branch })).toThrow(InvalidArgumentError);
  });

  it.each(SEPARATE)('lets %s pass', (_, branch) => {
    expect(() => refuseOverlap({ success: branch, failure: branch })).not.toThrow();
  });
});
