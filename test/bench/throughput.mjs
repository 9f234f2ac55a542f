/** Enough for the tail, when fewer and fewer calls are in flight, not to count. */
const CALLS_PER_LANE = 3;

/**
 * Measures calls per second, with `inFlight` of them under way at every moment. `call` gets a number that differs
 * from those of all others in flight, also by its rest when divided by a multiple of `inFlight`.
 */
export async function throughput(call, inFlight, measureMs) {
  const count = await countFor(call, inFlight, measureMs);
  return async () => count / (await secondsFor(call, inFlight, count));
}

/**
 * A count rather than a time to look at: reading a clock costs as much as the cheapest of these calls. The search for
 * it warms up.
 */
async function countFor(call, inFlight, measureMs) {
  for (let count = inFlight; ; count *= 2) {
    const tookMs = (await secondsFor(call, inFlight, count)) * 1000;
    if (tookMs < measureMs) continue;
    return Math.max(Math.round((count / tookMs) * measureMs), inFlight === 1 ? 1 : inFlight * CALLS_PER_LANE);
  }
}

async function secondsFor(call, inFlight, count) {
  let left = count;
  const lane = async (first) => {
    for (let number = first; left > 0; number += inFlight) {
      left -= 1;
      await call(number);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, (_, first) => lane(first)));
  return (performance.now() - start) / 1000;
}
