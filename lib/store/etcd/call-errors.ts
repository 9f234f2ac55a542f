/** How one attempt of a call ended, as gRPC tells it. */
export class CallError extends Error {
  /** gRPC's status code. */
  readonly code: number;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
  }
}

/** An answer that does not belong to what was asked. */
export class UnfitAnswerError extends Error {}

/** An attempt that provably reached no server. */
export class NotSentError extends Error {
  /** A connection was being tried and nothing answered; otherwise it was refused. */
  readonly isSilent: boolean;

  constructor(why: string, isSilent: boolean) {
    super(why);
    this.isSilent = isSilent;
  }
}
