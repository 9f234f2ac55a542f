import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { RequestTimeoutError } from '../../../lib/store/errors.js';
import { CallError } from '../../../lib/store/etcd/call-errors.js';
import { Calls } from '../../../lib/store/etcd/calls.js';
import { Code } from '../../../lib/store/etcd/error-table.js';
import { HistoryGuard } from '../../../lib/store/etcd/history-guard.js';
import type { Member } from '../../../lib/store/etcd/member.js';
import { pageCall } from '../../../lib/store/etcd/page-call.js';
import { TokenSource } from '../../../lib/store/etcd/token.js';
import { wholeRange } from '../../../lib/store/etcd/whole-range.js';
import { header } from './fake-member.js';

const SPAN = { key: 'a', rangeEnd: 'b' };
const limitOf = (payload: object): unknown => (payload as { limit?: number }).limit;

const FIRST_PAGE = {
  header: header(),
  more: true,
  kvs: [
    {
      key: Buffer.from('a'),
      value: Buffer.from('1'),
      create_revision: '2',
      mod_revision: '2',
      version: '1',
      lease: '0',
    },
  ],
};

describe('the call that reads a page', () => {
  it('asks for few keys when its first attempt was not answered', () => {
    const call = pageCall({ ...SPAN, limit: 1000 });
    expect(limitOf(call.payload)).toBe(1000);
    call.onUnanswered!();
    expect(limitOf(call.payload)).toBe(16);
  });

  it('does not ask for more than it was asked for, nor for a part of what is no page', () => {
    for (const limit of [3, undefined]) {
      const call = pageCall({ ...SPAN, limit });
      call.onUnanswered!();
      expect(limitOf(call.payload)).toBe(limit);
    }
  });

  it('has the time of one call, all its attempts included', async () => {
    const timeoutMs = 100;
    const waitedMs: number[] = [];
    const answers: object[] = [FIRST_PAGE];
    const member = {
      url: 'http://fake:2379',
      isReady: true,
      async call(_service: string, _method: string, _payload: object, ms: number): Promise<object> {
        const answer = answers.shift();
        if (answer !== undefined) return answer;
        waitedMs.push(ms);
        await delay(ms);
        throw new CallError(Code.DEADLINE_EXCEEDED, 'no answer');
      },
    };
    const guard = new HistoryGuard(() => {});
    const calls = new Calls([member as unknown as Member], new TokenSource(undefined), guard, timeoutMs);
    const reading = wholeRange((page) => calls.run(pageCall(page)), SPAN);
    await expect(reading).rejects.toBeInstanceOf(RequestTimeoutError);
    // An attempt has a millisecond at least.
    expect(waitedMs.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(2 * timeoutMs);
    expect(waitedMs.length).toBeGreaterThan(0);
  });
});
