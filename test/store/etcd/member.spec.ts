import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { setImmediate as nextCheckPhase } from 'node:timers/promises';
import { isNotSent } from '../../../lib/store/etcd/error-table.js';
import { Member } from '../../../lib/store/etcd/member.js';
import { block } from '../../support/block.js';
import { freePort } from '../../support/etcd/free-port.js';

const PUT = { key: Buffer.from('a'), value: Buffer.from('') };

describe('a call where nobody listens', () => {
  let member: Member;
  beforeEach(async () => {
    member = new Member(`http://127.0.0.1:${await freePort()}`, {});
  });
  afterEach(() => member.close());

  it('is known not to have been sent, also when its deadline passed in a blocked event loop', async () => {
    await member.settle(1000);
    // What gRPC puts off until the next check phase comes after the timers then.
    await nextCheckPhase();
    const ending = member.call('KV', 'put', PUT, 5).catch((error: unknown) => error);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
    block(20);

    expect(isNotSent(await ending)).toBe(true);
  });
});
