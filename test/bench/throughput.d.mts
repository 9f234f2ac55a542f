/** @returns what measures once: calls per second */
export function throughput(
  call: (number: number) => Promise<unknown>,
  inFlight: number,
  measureMs: number,
): Promise<() => Promise<number>>;
