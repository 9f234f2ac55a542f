import { countBefore } from './bisect.js';
import { isAnswered, type Operation } from './history.js';
import type { Replay } from './replay.js';

/** The store had come to a revision by a moment. */
interface Reached {
  readonly revision: number;
  readonly at: number;
}

/** How far the store had come at the least, as whoever had heard all answers until then could tell. */
export class Acknowledged {
  /** In order of time, and of revision. */
  readonly #steps: readonly Reached[];

  constructor(reached: readonly Reached[]) {
    let highest = 0;
    this.#steps = reached
      .toSorted((a, b) => a.at - b.at)
      .filter(({ revision }) => {
        const isNew = revision > highest;
        highest = Math.max(highest, revision);
        return isNew;
      });
  }

  /** By the writes that were answered, of values that were written once. */
  static by(operations: readonly Operation[], replay: Replay): Acknowledged {
    const reached = operations.filter(isAnswered).flatMap((operation) => {
      const written = writtenBy(operation);
      const revision = written === undefined ? undefined : replay.writeOf(operation.key, written)?.revision;
      return revision === undefined ? [] : [{ revision, at: operation.returnedAt }];
    });
    return new Acknowledged(reached);
  }

  /** 0: nothing had been heard. */
  revisionBefore(moment: number): number {
    return this.#steps[countBefore(this.#steps, ({ at }) => at < moment) - 1]?.revision ?? 0;
  }
}

function writtenBy(operation: Operation): string | undefined {
  if (!isAnswered(operation)) return undefined;
  switch (operation.op) {
    case 'store':
      return operation.input;
    case 'create':
      return operation.outcome.ok ? operation.input : undefined;
    case 'tas':
      return operation.outcome.ok ? operation.input.set : undefined;
    default:
      return undefined;
  }
}
