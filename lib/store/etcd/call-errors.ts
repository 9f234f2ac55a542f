/** More than etcd or gRPC have to say. */
const LONGEST_DETAILS = 1000;

/** How one attempt of a call ended, as gRPC tells it. */
export class CallError extends Error {
  /** gRPC's status code. */
  readonly code: number;

  /** @param details left out by gRPC in some of its own errors, whatever its types say */
  constructor(code: number, details: string | undefined) {
    super(oneLine(details));
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

/** Whoever stands behind an endpoint has a say in a message, but no line of a log to itself, nor a page. */
function oneLine(details = ''): string {
  return details.slice(0, LONGEST_DETAILS).replaceAll(/\p{Cc}+/gu, ' ');
}
