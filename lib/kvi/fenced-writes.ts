import type { TxnRequest, Writer } from '../store/store.js';
import type { CallOperation } from './channel-messages.js';
import type { FencedWrites, HeldLock } from './kvi.js';
import { deleteRequest, storeRequest, tasRequest, transactionRequest } from './write-requests.js';

/** A hold, as its writes need it. */
export interface Fence extends Pick<HeldLock, 'key' | 'fencingToken' | 'assertHeld'> {
  /** The store has refused a write, because the lock's key is not there any more. */
  refused(): void;
}

/** Sends a txn as the handle's other writes are sent. The operation and its key are for telemetry. */
export type SendWrite = (
  operation: CallOperation,
  key: string,
  request: TxnRequest,
) => ReturnType<Writer['write']>;

/**
 * Writes that carry their lock with them: the same txn that writes compares the create revision of the lock's key. A
 * process that was stopped and has lost the lock cannot write, whatever it believes of itself.
 */
export class LockFence implements FencedWrites {
  readonly #fence: Fence;
  readonly #send: SendWrite;

  constructor(fence: Fence, send: SendWrite) {
    this.#fence = fence;
    this.#send = send;
  }

  async store(key: string, value: string): Promise<void> {
    await this.#write('store', key, storeRequest(key, value));
  }

  async delete(key: string): Promise<void> {
    await this.#write('delete', key, deleteRequest(key));
  }

  async tas(key: string, testValue: string, setValue: string): Promise<boolean> {
    return this.#write('tas', key, tasRequest(key, testValue, setValue));
  }

  async transaction(...args: Parameters<FencedWrites['transaction']>): Promise<boolean> {
    return this.#write('transaction', args[0], transactionRequest(...args));
  }

  /** Answers whether the write's own condition held. It stands in a txn of its own, so that it is not taken for the lock's. */
  async #write(operation: CallOperation, target: string, request: TxnRequest): Promise<boolean> {
    const { key, fencingToken } = this.#fence;
    this.#fence.assertHeld();
    const { succeeded, responses } = await this.#send(operation, target, {
      compare: [{ target: 'create', key, operator: '=', revision: fencingToken }],
      success: [{ type: 'txn', ...request }],
      failure: [{ type: 'range', key, keysOnly: true }],
    });
    if (!succeeded) {
      this.#fence.refused();
      this.#fence.assertHeld();
    }
    const [written] = responses;
    return written?.type === 'txn' && written.succeeded;
  }
}
