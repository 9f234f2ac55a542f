import { expect, it } from '@jest/globals';
import { resolveKviOptions } from '../../lib/kvi/options.js';

it('takes every option from an object that answers by getters', () => {
  class Settings {
    get tls(): { ca: string } {
      return { ca: 'PEM' };
    }

    get auth(): { username: string; password: string } {
      return { username: 'u', password: 'p' };
    }

    get sessionTtlSec(): number {
      return 5;
    }
  }
  expect(resolveKviOptions(new Settings())).toMatchObject({
    tls: { ca: 'PEM' },
    auth: { username: 'u', password: 'p' },
    sessionTtlSec: 5,
  });
});

it('does not name a number where a secret may stand, and does where none may', () => {
  const wrong = { auth: { username: 'u', password: 481_516 } } as never;
  expect(() => resolveKviOptions(wrong)).toThrow(/password must be a non-empty string, but is a number\./);
  expect(() => resolveKviOptions({ sessionTtlSec: -3 })).toThrow(/but is -3\./);
});

it('refuses a lock whose keys would lie among the reserved', () => {
  expect(() => resolveKviOptions({ lockName: '\0hmetcd' })).toThrow(/lockName must not lie under/);
});
