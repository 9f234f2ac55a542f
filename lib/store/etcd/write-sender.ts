import type { ITxnResponse } from 'etcd3';
import type { OperationResponse, TxnRequest, WriteOutcome } from '../store.js';
import type { Calls } from './calls.js';
import { txnFromWire, txnToWire } from './codec.js';
import { namedRights } from './named-rights.js';

export interface Applied {
  readonly revision: number;
  /** One for each request. */
  readonly outcomes: readonly WriteOutcome[];
}

/** How a batch of writes that do not touch each other's keys gets to the store, in one txn. */
export interface WriteSender {
  /**
   * @throws what refused the batch, or kept it from being sent: nothing was applied, nor will be; OutcomeUnknownError
   */
  send(requests: readonly TxnRequest[], lane: number, timeoutMs: number): Promise<Applied>;

  /** After OutcomeUnknownError: resolves when nothing of it can be applied any more, as far as that can be known. */
  decided(lane: number): Promise<void>;
}

/** Sends each batch once, without a record: when its answer is lost, nobody knows what became of it. */
export class SendOnce implements WriteSender {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async send(requests: readonly TxnRequest[], _lane: number, timeoutMs: number): Promise<Applied> {
    const success = requests.map((request) => ({ type: 'txn', ...request }) as const);
    const { compare, operations } = namedRights(requests);
    const request: TxnRequest = { compare, success, failure: operations };
    const { revision, responses } = await this.#calls.run(
      {
        service: 'KV',
        method: 'txn',
        payload: txnToWire(request),
        what: 'A write',
        isRepeatable: false,
        read: (response: ITxnResponse) => txnFromWire(response, request),
      },
      timeoutMs,
    );
    return { revision, outcomes: responses as readonly (OperationResponse & WriteOutcome)[] };
  }

  async decided(): Promise<void> {}
}
