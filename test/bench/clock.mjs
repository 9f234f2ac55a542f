/** Milliseconds of a clock that all processes of this machine share: CLOCK_MONOTONIC on Linux. */
export function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}
