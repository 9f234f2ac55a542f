import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { KviService } from 'nestjs-hmetcd';
import { closeConfigured, refusalOf, startConfigured } from './support/configured.js';

const SECRET = 'secret-7';

afterEach(closeConfigured);

describe('a configuration by the environment', () => {
  it('is that of the connection', async () => {
    const endpoint = `mem:${randomUUID()}`;
    const orders = await startConfigured({ HMETCD_ENDPOINT: endpoint, HMETCD_NAMESPACE: 'orders/' });
    const all = await startConfigured({ HMETCD_ENDPOINT: endpoint });
    await orders.get(KviService).store('17', 'sent');
    expect(await all.get(KviService).getPrefix('')).toEqual([{ key: 'orders/17', value: 'sent' }]);
  });

  it.each([
    ['no endpoint', {}, /HMETCD_ENDPOINT/],
    ['a time that is none', { HMETCD_ENDPOINT: 'mem:', HMETCD_SESSION_TTL_SEC: SECRET }, /SESSION_TTL_SEC/],
    ['a user without a password', { HMETCD_ENDPOINT: 'mem:', HMETCD_USERNAME: SECRET }, /PASSWORD_FILE/],
    ['a secret that is not there', { HMETCD_ENDPOINT: 'mem:', HMETCD_CA_FILE: '/none/ca.crt' }, /ca\.crt/],
    ['an endpoint that is none', { HMETCD_ENDPOINT: SECRET }, /endpoint/],
  ])('ends the start where it has %s, and says which variable', async (_what, env, message) => {
    const error = await refusalOf(env);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(SECRET);
  });
});
