/** What runs, in the order of its start. */
const running = new Set<AsyncDisposable>();

export function stopLater(part: AsyncDisposable): void {
  running.add(part);
}

export function stopped(part: AsyncDisposable): void {
  running.delete(part);
}

/** Ends every server and proxy that is still there, the youngest first: a cluster before its parts. */
export async function stopAll(): Promise<void> {
  const failures: unknown[] = [];
  for (const part of [...running].toReversed()) {
    try {
      if (running.has(part)) await part[Symbol.asyncDispose]();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, 'not everything that the tests started has ended');
}
