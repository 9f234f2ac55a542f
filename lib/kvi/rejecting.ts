/**
 * Calls `start`; what that throws at once comes as a rejection. An async function does so too, but where the memory
 * store answers, an `await` on the way costs more than the answer.
 */
export function rejecting<T>(start: () => Promise<T>): Promise<T> {
  try {
    return start();
  } catch (error) {
    return Promise.reject(error);
  }
}
