import { inspect, isDeepStrictEqual } from 'node:util';

/** One of two that are led through the same steps. */
export interface Side<Step> {
  /** What the step answered, in words that do not depend on the side. */
  do(step: Step): Promise<unknown>;
  /** What else it has told up to now. */
  settle(): Promise<unknown>;
  end(): Promise<void>;
}

/** Leads both through the steps and throws at the first difference. */
export async function duel<Step extends { readonly do: string }>(
  memory: Side<Step>,
  etcd: Side<Step>,
  steps: readonly Step[],
  settlesBefore: ReadonlySet<Step['do']> = new Set(),
): Promise<void> {
  const compare = async (what: unknown, ask: (side: Side<Step>) => Promise<unknown>): Promise<void> => {
    const [expected, answer] = await Promise.all([ask(memory), ask(etcd)]);
    if (!isDeepStrictEqual(answer, expected)) throw difference(what, expected, answer);
  };
  try {
    for (const step of steps) {
      if (settlesBefore.has(step.do)) await compare('all that was told', (side) => side.settle());
      await compare(step, (side) => side.do(step));
    }
    await compare('all that was told', (side) => side.settle());
  } finally {
    await Promise.all([memory.end(), etcd.end()]);
  }
}

function difference(what: unknown, memory: unknown, etcd: unknown): Error {
  const text = (value: unknown): string => inspect(value, { depth: 12, maxStringLength: 100 });
  return new Error(`Not the same at ${text(what)}\nmemory: ${text(memory)}\netcd: ${text(etcd)}`);
}
