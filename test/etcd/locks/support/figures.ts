/** Prints how long something took over all trials of a test. */
export function report(what: string, valuesMs: readonly number[]): void {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(1);
  process.stdout.write(
    `${what}: minimum ${at(0)} ms, median ${at(0.5)} ms, maximum ${at(1)} ms (${sorted.length} trials)\n`,
  );
}
