/** Enough for the tail, when fewer and fewer calls are in flight, not to count. */
const CALLS_PER_LANE = 4;

/** Measures calls per second, with `inFlight` of them under way at every moment. `call` gets the call's number. */
export async function throughput(call, inFlight, measureMs) {
  const count = await countFor(call, inFlight, measureMs);
  return async () => count / (await secondsFor(call, inFlight, count));
}

/** A count rather than a time to look at: reading a clock costs as much as the cheapest of these calls. */
async function countFor(call, inFlight, measureMs) {
  for (let count = inFlight; ; count *= 2) {
    const tookMs = (await secondsFor(call, inFlight, count)) * 1000;
    if (tookMs < measureMs / 2) continue;
    return Math.max(Math.round((count / tookMs) * measureMs), inFlight === 1 ? 1 : inFlight * CALLS_PER_LANE);
  }
}

async function secondsFor(call, inFlight, count) {
  let next = 0;
  const lane = async () => {
    while (next < count) await call(next++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (performance.now() - start) / 1000;
}
