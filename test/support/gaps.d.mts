/**
 * Looks at a clock again and again, and calls `note` with each time for which this process did not: it was stopped, blocked
 * or left without a processor, and could not know what happened meanwhile. Answers how to end it.
 */
export function noteGaps(
  now: () => number,
  limits: { readonly everyMs: number; readonly longerThanMs: number },
  note: (gap: { readonly from: number; readonly to: number }) => void,
): () => void;
