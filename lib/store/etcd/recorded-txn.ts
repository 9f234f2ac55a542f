import type {
  Operation,
  OperationResponse,
  Outcome,
  TxnRequest,
  WriteOperationOutcome,
  WriteOutcome,
} from '../store.js';

type PlainOperation = Exclude<Operation, { type: 'txn' }>;
type RecordedOperation = PlainOperation | RecordedTxn;

/**
 * A txn that leaves behind which of its conditions held, so that whoever lost its answer can read it. Its reads are left
 * out: what they found could not be had a second time.
 */
export class RecordedTxn {
  readonly request: TxnRequest;
  /** The number of the mark that is put when the condition holds. Where it is missing, the condition did not hold. */
  readonly #mark: number | undefined;
  readonly #success: readonly RecordedOperation[];
  readonly #failure: readonly RecordedOperation[];

  /** @param nextMark numbers the conditions of one batch */
  constructor(request: TxnRequest, nextMark: () => number) {
    const { compare = [], success = [], failure = [] } = request;
    const recorded = (operation: Operation): RecordedOperation =>
      operation.type === 'txn' ? new RecordedTxn(operation, nextMark) : operation;
    this.request = request;
    this.#mark = compare.length === 0 ? undefined : nextMark();
    this.#success = success.map(recorded);
    this.#failure = failure.map(recorded);
  }

  /** Whether it is done by a txn of its own within the batch. */
  get isNested(): boolean {
    return this.#mark !== undefined || [...this.#success, ...this.#failure].some(isNestedTxn);
  }

  /** What to do within a batch: a nested txn, or only its operations where it has no condition. */
  operations(putMark: (mark: number) => Operation): Operation[] {
    if (this.#mark === undefined) return writesOf(this.#success, putMark);
    return [
      {
        type: 'txn',
        compare: this.request.compare,
        success: [putMark(this.#mark), ...writesOf(this.#success, putMark)],
        failure: writesOf(this.#failure, putMark),
      },
    ];
  }

  /** What came of it, as the store answered: takes the responses to `operations` from the front. */
  answered(responses: Iterator<OperationResponse>): WriteOutcome {
    if (this.#mark === undefined) return this.#outcome(true, answeredBy(responses));
    const { succeeded, responses: own } = responses.next().value as Outcome;
    const rest = own.values();
    if (succeeded) rest.next();
    return this.#outcome(succeeded, answeredBy(rest));
  }

  /** What came of it, as its marks tell. */
  remembered(isMarked: (mark: number) => boolean): WriteOutcome {
    const succeeded = this.#mark === undefined || isMarked(this.#mark);
    return this.#outcome(succeeded, (operation) =>
      operation instanceof RecordedTxn
        ? { type: 'txn', ...operation.remembered(isMarked) }
        : { type: operation.type },
    );
  }

  #outcome(
    succeeded: boolean,
    outcomeOf: (operation: RecordedOperation) => WriteOperationOutcome,
  ): WriteOutcome {
    return { succeeded, responses: (succeeded ? this.#success : this.#failure).map(outcomeOf) };
  }
}

function isNestedTxn(operation: RecordedOperation): boolean {
  return operation instanceof RecordedTxn && operation.isNested;
}

function writesOf(branch: readonly RecordedOperation[], putMark: (mark: number) => Operation): Operation[] {
  return branch.flatMap((operation) => {
    if (operation instanceof RecordedTxn) return operation.operations(putMark);
    return operation.type === 'range' ? [] : operation;
  });
}

function answeredBy(
  responses: Iterator<OperationResponse>,
): (operation: RecordedOperation) => WriteOperationOutcome {
  return (operation) => {
    if (operation instanceof RecordedTxn) return { type: 'txn', ...operation.answered(responses) };
    if (operation.type !== 'range') responses.next();
    return { type: operation.type };
  };
}
