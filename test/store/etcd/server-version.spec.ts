import { describe, expect, it } from '@jest/globals';
import { atLeast } from '../../../lib/store/etcd/server-version.js';

describe('atLeast', () => {
  it.each([
    ['3.5.13', '3.5.13', true],
    ['3.5.16', '3.5.13', true],
    ['3.5.9', '3.5.13', false],
    ['3.4.30', '3.5.13', false],
    ['3.10.0', '3.9.9', true],
    ['4.0', '3.5.13', true],
    ['3.6.0-rc.1', '3.5.13', true],
    ['3.5.13-dirty', '3.5.13', true],
    ['3.5', '3.5.13', false],
  ])('says whether %s is at least %s', (version, least, expected) => {
    expect(atLeast(version, least)).toBe(expected);
  });
});
