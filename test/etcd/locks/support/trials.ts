/** How often a fault is tried, where chance has a say. */
export const TRIALS = Number(process.env.LOCK_TRIALS ?? 100);

/** Runs `TRIALS` trials, some of them at once, and answers what each gave. */
export async function runTrials<T>(atOnce: number, trial: (number: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < TRIALS) {
      const number = next++;
      results[number] = await trial(number);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
  return results;
}
