/** The class of an error and the argument that its message begins with. */
export interface Refusal {
  readonly error: unknown;
  readonly argument: string;
}

/** What a call throws; fails when it does not throw. */
export function refusalOf(call: () => unknown): Refusal {
  try {
    call();
  } catch (error) {
    return describe(error);
  }
  throw new Error('The call did not throw.');
}

/** What a promise rejects with; fails when it does not reject. */
export async function rejectionOf(promise: Promise<unknown>): Promise<Refusal> {
  return promise.then(
    () => {
      throw new Error('The promise did not reject.');
    },
    (error: unknown) => describe(error),
  );
}

function describe(error: unknown): Refusal {
  return { error: (error as Error).constructor, argument: (error as Error).message.split(' ')[0]! };
}
