/** Lets nothing else run in this process for so many milliseconds. */
export function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
