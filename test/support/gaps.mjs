/**
 * Looks at a clock again and again, and calls `note` with each time for which this process did not: it was stopped, blocked
 * or left without a processor, and could not know what happened meanwhile. Answers how to end it.
 */
export function noteGaps(now, { everyMs, longerThanMs }, note) {
  let last = now();
  const beat = () => {
    const at = now();
    if (at - last > longerThanMs) note({ from: last, to: at });
    last = at;
  };
  const heartbeat = setInterval(beat, everyMs).unref();
  return () => clearInterval(heartbeat);
}
