import type { Rules } from './rules.js';

/** What etcd knows: one key of the users, the slots and the marks, and which leases live. */
export interface Etcd {
  readonly revision: number;
  readonly value: string;
  /** By name, which begins with the lease that the slot lives under. */
  readonly slots: Readonly<Record<string, Slot>>;
  readonly leases: readonly number[];
}

export interface Slot {
  readonly value: string;
  readonly mod: number;
}

export type Operation =
  | { readonly type: 'put'; readonly value: string }
  | { readonly type: 'tas'; readonly expected: string; readonly value: string };

/** The three transactions of the protocol. `id` is the write's, also in what bumps its slot. */
export type Request =
  | { readonly type: 'create'; readonly slot: string }
  | {
      readonly type: 'write';
      readonly slot: string;
      readonly mod: number;
      readonly id: string;
      readonly operation: number;
    }
  | { readonly type: 'bump'; readonly slot: string; readonly mod: number; readonly id: string };

export type Answer =
  /** The comparison held, and this was the revision of the writes. */
  | { readonly type: 'done'; readonly revision: number; readonly held: boolean }
  /** It did not, and this is the slot, and its mark, instead. */
  | { readonly type: 'slot'; readonly slot?: Slot; readonly mark?: string }
  | { readonly type: 'lease not found' }
  | { readonly type: 'refused' }
  | { readonly type: 'no space' };

/** What etcd makes of a request. Of one whose slot was as expected, `held` says how the condition of its write came out. */
export interface Reception {
  readonly etcd: Etcd;
  readonly answer: Answer;
  readonly held?: boolean;
}

export function bumpOf(id: string): string {
  return `bump of ${id}`;
}

export function leaseOf(slot: string): number {
  return Number(slot.split('/')[0]);
}

export function receive(
  etcd: Etcd,
  request: Request,
  operations: readonly Operation[],
  rules: Rules,
): Reception {
  const { slot } = request;
  if (!isDue(etcd, request, rules)) return { etcd, answer: look(etcd, slot) };
  const held = request.type !== 'write' || holds(etcd, operations[request.operation]!);
  if (!held && !rules.falseIsRecorded) return { etcd, answer: look(etcd, slot), held };
  if (!etcd.leases.includes(leaseOf(slot))) return { etcd, answer: { type: 'lease not found' } };
  const revision = etcd.revision + 1;
  const after = applied({ ...etcd, revision }, request, operations, held && rules.outcomeIsMarked);
  return { etcd: after, answer: { type: 'done', revision, held }, held };
}

/** The lease ends, and all that lives under it. */
export function expire(etcd: Etcd, lease: number): Etcd {
  const names = Object.keys(etcd.slots).filter((name) => leaseOf(name) !== lease);
  const slots = Object.fromEntries(names.map((name) => [name, etcd.slots[name]!]));
  return { ...etcd, slots, leases: etcd.leases.filter((other) => other !== lease) };
}

function isDue(etcd: Etcd, request: Request, rules: Rules): boolean {
  const slot = etcd.slots[request.slot];
  if (request.type === 'create') return slot === undefined || !rules.creationCompares;
  return (slot?.mod ?? 0) === request.mod;
}

function holds(etcd: Etcd, operation: Operation): boolean {
  return operation.type === 'put' || etcd.value === operation.expected;
}

function applied(etcd: Etcd, request: Request, operations: readonly Operation[], isMarked: boolean): Etcd {
  const { slot } = request;
  if (request.type === 'create') return put(etcd, slot, '');
  if (request.type === 'bump') return put(etcd, slot, bumpOf(request.id));
  const operation = operations[request.operation]!;
  const recorded = put(etcd, slot, request.id);
  const written = holds(etcd, operation) ? { ...recorded, value: operation.value } : recorded;
  return isMarked ? put(written, markOf(slot), request.id) : written;
}

function look(etcd: Etcd, name: string): Answer {
  const [slot, mark] = [etcd.slots[name], etcd.slots[markOf(name)]];
  return { type: 'slot', ...(slot && { slot }), ...(mark && { mark: mark.value }) };
}

function markOf(slot: string): string {
  return `${slot}/0`;
}

/** In the order of names, so that the same slots read the same. */
function put(etcd: Etcd, name: string, value: string): Etcd {
  const slots = Object.entries({ ...etcd.slots, [name]: { value, mod: etcd.revision } });
  return { ...etcd, slots: Object.fromEntries(slots.sort(([a], [b]) => (a < b ? -1 : 1))) };
}
