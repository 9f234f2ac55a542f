/** A function's name as a log line may have it: '' where it has none, or what stands there is no text. */
export function functionName(given: (...args: never[]) => unknown): string {
  try {
    return typeof given.name === 'string' ? given.name : '';
  } catch {
    return '';
  }
}
