import { HmEtcdError, OutcomeUnknownError } from '../../../dist/esm/store/errors.js';
import { Journal, machineMs } from './child.mjs';

const journal = new Journal('history');

let begun = 0;

/** Does one operation after the other and writes down each, as `checkers/history.ts` wants it. */
export class Lane {
  #name;

  /** @param name `PROCESS.LANE` */
  constructor(name) {
    this.#name = name;
  }

  /**
   * @param deadlineMs within which the call is promised to end; undefined for one that may wait for ever
   * @param send answers what is written down as `ok`
   * @returns `{ ok }`, 'not applied' or 'unknown'
   * @throws whatever is no error of the library
   */
  async do(op, key, input, deadlineMs, send) {
    const id = this.#begin(op, key, input, deadlineMs);
    const outcome = await send().then((ok) => ({ ok: ok ?? null }), outcomeOf);
    journal.note({ id, returnedAt: machineMs(), outcome });
    return outcome;
  }

  /** What takes no time: `answer` is asked for at once. */
  note(op, key, input, answer) {
    const id = this.#begin(op, key, input);
    const ok = answer();
    journal.note({ id, returnedAt: machineMs(), outcome: { ok } });
    return ok;
  }

  /** What the process was told at a moment that it cannot tell more exactly than this. */
  told(op, key, input) {
    const id = nextId(this.#name);
    const now = machineMs();
    journal.note({ id, client: this.#name, op, key, input, invokedAt: now });
    journal.note({ id, returnedAt: now, outcome: { ok: null } });
  }

  #begin(op, key, input, deadlineMs) {
    const id = nextId(this.#name);
    journal.note({ id, client: this.#name, op, key, input, invokedAt: machineMs(), deadlineMs });
    return id;
  }
}

/** Of an operation that has several steps, none of which has changed anything. */
export class NotApplied extends Error {}

export function outcomeOf(error) {
  if (error instanceof NotApplied) return 'not applied';
  if (!(error instanceof HmEtcdError)) throw error;
  return error instanceof OutcomeUnknownError ? 'unknown' : 'not applied';
}

function nextId(lane) {
  begun += 1;
  return `${lane}#${begun}`;
}
