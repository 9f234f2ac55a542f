import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { LeaseNotFoundError, RequestTimeoutError } from '../../../lib/store/errors.js';
import { EtcdWriter } from '../../../lib/store/etcd/etcd-writer.js';
import { SlotLostError } from '../../../lib/store/etcd/slot.js';
import type { Applied, WriteSender } from '../../../lib/store/etcd/write-sender.js';
import type { TxnRequest } from '../../../lib/store/store.js';

const TIMEOUT_MS = 400;
const PUT: TxnRequest = { success: [{ type: 'put', key: 'a', value: '1' }] };

/** Refuses the first batches, and applies the others. */
class Sender implements WriteSender {
  readonly sentAt: number[] = [];
  readonly #refusals: number;
  readonly #error: Error;

  constructor(refusals: number, error: Error = new SlotLostError('lost')) {
    this.#refusals = refusals;
    this.#error = error;
  }

  async send(requests: readonly TxnRequest[]): Promise<Applied> {
    await delay(1);
    this.sentAt.push(performance.now());
    if (this.sentAt.length <= this.#refusals) throw this.#error;
    return { revision: 2, outcomes: requests.map(() => ({ succeeded: true, responses: [] })) };
  }

  async decided(): Promise<void> {}
}

function writerOver(sender: WriteSender): EtcdWriter {
  return new EtcdWriter(sender, sender, 'http://fake:2379', TIMEOUT_MS, 0);
}

describe('the writer', () => {
  it.each([
    ['its slot', new SlotLostError('lost')],
    ['its lease', new LeaseNotFoundError('lost')],
  ])(
    'does not ask without end, as fast as it is answered, a server that says every time that %s is gone',
    async (_what, error) => {
      const sender = new Sender(Infinity, error);
      await expect(writerOver(sender).write(PUT)).rejects.toBeInstanceOf(RequestTimeoutError);
      // At once, and after 20, 40, 80, 160 ms.
      expect(sender.sentAt.length).toBeLessThanOrEqual(7);
      expect(sender.sentAt.length).toBeGreaterThan(2);
    },
  );

  it('tries again at once what was refused for the first time, also the next time', async () => {
    const sender = new Sender(1);
    const writer = writerOver(sender);
    const start = performance.now();
    await writer.write(PUT);
    expect(sender.sentAt).toHaveLength(2);
    expect(performance.now() - start).toBeLessThan(TIMEOUT_MS);
  });

  it('sends a write when that has settled after which it comes', async () => {
    const sender = new Sender(0);
    let settle = (): void => {};
    const after = new Promise<void>((_resolve, reject) => (settle = () => reject(new Error('whatever'))));
    const written = writerOver(sender).write(PUT, after);
    await delay(20);
    expect(sender.sentAt).toEqual([]);
    settle();
    await written;
    expect(sender.sentAt).toHaveLength(1);
  });

  it('counts the time of a write from its call, also while it may not be sent', async () => {
    const sender = new Sender(0);
    let settle = (): void => {};
    const after = new Promise<void>((resolve) => (settle = resolve));
    const writer = writerOver(sender);
    await expect(writer.write(PUT, after)).rejects.toBeInstanceOf(RequestTimeoutError);
    settle();
    await writer.write(PUT);
    expect(sender.sentAt).toHaveLength(1);
  });
});
