/** What makes a write happen once. Each can be left out, to see what it is for. */
export interface Rules {
  /** A slot is put before its first use, so that no write compares with mod revision 0. */
  readonly slotIsCreated: boolean;
  /** Only where there is no slot is one created: a late copy of the creation does not overwrite what a write has put. */
  readonly creationCompares: boolean;
  /** A condition that comes out false moves the slot all the same. */
  readonly falseIsRecorded: boolean;
  /** The branch that counts as true leaves a mark. */
  readonly outcomeIsMarked: boolean;
  /** A mark counts for the write whose id it holds, and not for one before it in the same slot. */
  readonly markNamesItsWrite: boolean;
  /** What is sent again is the same, to the same slot. */
  readonly resendIsIdentical: boolean;
  /** A slot that is gone tells nothing of a write that may have been applied. */
  readonly absentIsUnknown: boolean;
  /** Nor does one with another value than the write's or its bump's. */
  readonly foreignIsUnknown: boolean;
  /** A write that may have been applied is not sent again under another session. */
  readonly writeStaysInItsSession: boolean;
  /** Before a write that was not answered is called "not applied" its slot is bumped. */
  readonly bumpBeforeNotApplied: boolean;
  /** And so before one that was refused, if a copy of it was not answered. */
  readonly bumpBeforeRefused: boolean;
  /** And so before one that was refused for want of space, always: etcd may have applied it. */
  readonly bumpBeforeNoSpace: boolean;
  /** The next write of a key waits until an undecided one is decided. */
  readonly keyWaitsForUndecided: boolean;
}

export const ALL_RULES: Rules = {
  slotIsCreated: true,
  creationCompares: true,
  falseIsRecorded: true,
  outcomeIsMarked: true,
  markNamesItsWrite: true,
  resendIsIdentical: true,
  absentIsUnknown: true,
  foreignIsUnknown: true,
  writeStaysInItsSession: true,
  bumpBeforeNotApplied: true,
  bumpBeforeRefused: true,
  bumpBeforeNoSpace: true,
  keyWaitsForUndecided: true,
};

export function allRulesBut(...left: readonly (keyof Rules)[]): Rules {
  return { ...ALL_RULES, ...Object.fromEntries(left.map((rule) => [rule, false])) };
}
