/**
 * Each breaks one rule of the library on purpose, and names the workload that must notice.
 *
 * A workload is a fault test with its sizes; `only` is a part of a test's name. A mutation is noticed when a test fails
 * whose message has the `sign`: any other failure may have come from somewhere else.
 */
export const workloads = {
  'exactly-once': { tests: 'test/faults/exactly-once', env: { EXACTLY_ONCE_OPS: '4000' }, limitSec: 200 },
  differential: {
    tests: 'test/faults/differential',
    only: 'the etcd under test answer, refuse and tell the same',
    env: { DIFFERENTIAL_OPS: '5000' },
    limitSec: 200,
  },
  'watch-resumption': { tests: 'test/faults/watch-resumption', limitSec: 120 },
  'view-schedules': { tests: 'test/faults/view-schedules', env: { VIEW_SCHEDULES: '6' }, limitSec: 120 },
  ghosts: { tests: 'test/faults/locks/ghosts', env: { LOCK_TRIALS: '20' }, limitSec: 120 },
  'late-release': { tests: 'test/faults/locks/late-release', env: { LOCK_TRIALS: '20' }, limitSec: 60 },
  'lost-replies': { tests: 'test/faults/locks/lost-replies', env: { LOCK_TRIALS: '20' }, limitSec: 60 },
  'told-in-time': {
    tests: 'test/faults/locks/told-in-time',
    only: 'came late',
    env: { LOCK_TRIALS: '20' },
    limitSec: 60,
  },
  'stopped-holder': { tests: 'test/faults/locks/stopped-holder', env: { LOCK_TRIALS: '25' }, limitSec: 60 },
};

/** A difference between what was expected of a list of findings, which is none, and what was found. */
const FINDINGS = /expect\(received\)\.toEqual\(expected\)/;

export const mutations = [
  {
    name: "resume watches at the header's revision",
    workload: 'watch-resumption',
    sign: /is not reliable/,
    edits: [
      {
        file: 'lib/store/etcd/range-watch.ts',
        piece: '    stream.create(this.span, Math.max(1, this.#position), this);',
        by: '    stream.create(this.span, Math.max(1, this.#position, this.#header), this);',
      },
      {
        file: 'lib/store/etcd/range-watch.ts',
        piece: '  #position: number;\n',
        by: '  #position: number;\n  #header = 0;\n',
      },
      {
        file: 'lib/store/etcd/range-watch.ts',
        piece: '    const revision = fresh.at(-1)!.kv.modRevision;\n',
        by: '    const revision = fresh.at(-1)!.kv.modRevision;\n    this.#header = toNumber(header.revision);\n',
      },
    ],
  },
  {
    name: 'drop the slot compare',
    workload: 'exactly-once',
    sign: /discrepancies|happened \d+ times|after .* came/,
    edits: [
      {
        file: 'lib/store/etcd/slot.ts',
        piece:
          "      compare: [{ target: 'mod', key: this.#key, operator: '=', revision: this.#modRevision }],",
        by: "      compare: [{ target: 'mod', key: this.#key, operator: '!=', revision: -1 - this.#modRevision }],",
      },
    ],
  },
  {
    name: 'release without the create-revision guard',
    workload: 'late-release',
    sign: /LockLostError/,
    edits: [
      {
        file: 'lib/kvi/key-removal.ts',
        piece: "      compare: [{ target: 'create', key, operator: '=', revision: token }],",
        by: "      compare: token < 0 ? [{ target: 'create', key, operator: '=', revision: token }] : [],",
      },
    ],
  },
  {
    name: 'count the lock deadline from the response',
    workload: 'told-in-time',
    sign: FINDINGS,
    edits: [
      {
        file: 'lib/kvi/session.ts',
        piece: '    this.#deadline = deadlineAfter(sentAt, ttlSec);',
        by: '    this.#deadline = deadlineAfter(this.#clock.now(), ttlSec);',
      },
      {
        file: 'lib/kvi/session.ts',
        piece: '    this.#deadline = deadlineAfter(sentAt, lease.ttlSec);',
        by: '    this.#deadline = deadlineAfter(clock.now(), lease.ttlSec);',
      },
    ],
  },
  {
    name: 'leave out the tombstone',
    workload: 'ghosts',
    sign: /LockTimeoutError/,
    edits: [
      {
        file: 'lib/kvi/key-removal.ts',
        piece: "        success: [{ type: 'put', key: tombstone, value: '', lease: lease.id }, deletion],",
        by: "        success: tombstone === '' ? [{ type: 'put', key: tombstone, value: '' }] : [deletion],",
      },
    ],
  },
  {
    name: 'call UNAVAILABLE "not applied"',
    workload: 'lost-replies',
    sign: /OutcomeUnknownError|LockTimeoutError/,
    edits: [
      {
        file: 'lib/store/etcd/error-table.ts',
        piece: '  row(Code.OUT_OF_RANGE, /too large lease TTL/, invalid),\n',
        // What was not even sent is tried again, as before.
        by: '  row(Code.OUT_OF_RANGE, /too large lease TTL/, invalid),\n  row(Code.UNAVAILABLE, /^(?!No connection established)/, unavailable),\n',
      },
      {
        file: 'lib/store/etcd/error-table.ts',
        piece: 'function leaseNotFound(what: string, cause: Error): HmEtcdError {\n',
        by: 'function unavailable(what: string, cause: Error): HmEtcdError {\n  return new UnavailableError(`${what} was refused by etcd. Nothing was applied.`, { cause });\n}\n\nfunction leaseNotFound(what: string, cause: Error): HmEtcdError {\n',
      },
    ],
  },
  {
    name: 'resume at R + 1',
    workload: 'watch-resumption',
    sign: /is not reliable/,
    edits: [
      {
        file: 'lib/store/etcd/range-watch.ts',
        piece: '    stream.create(this.span, Math.max(1, this.#position), this);',
        by: '    stream.create(this.span, this.#position + 1, this);',
      },
    ],
  },
  {
    name: 'let a put retry blindly',
    workload: 'exactly-once',
    sign: /happened \d+ times|after .* came/,
    edits: [
      {
        file: 'lib/store/etcd/write-sender.ts',
        piece: '        isRepeatable: false,',
        by: '        isRepeatable: true,',
      },
      {
        file: 'lib/store/etcd/etcd-store.ts',
        piece: "      isRepeatable: operations.every(({ type }) => type === 'range'),",
        by: "      isRepeatable: operations.every(({ type }) => type !== 'txn'),",
      },
      {
        file: 'lib/store/etcd/etcd-store.ts',
        piece:
          '    const sender = session === undefined ? sendOnce : new Slots(this.#calls, session, reserveMs);',
        by: '    const sender = reserveMs >= 0 ? sendOnce : new Slots(this.#calls, session!, reserveMs);',
      },
    ],
  },
  {
    name: 'compare strings by UTF-16',
    workload: 'differential',
    sign: /Not the same at/,
    edits: [
      {
        file: 'lib/store/byte-order.ts',
        piece: '  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;',
        by: '  return unit;',
      },
    ],
  },
  {
    name: 'an inclusive range end that is exclusive',
    workload: 'watch-resumption',
    sign: /is not reliable/,
    edits: [
      {
        file: 'lib/kvi/keys.ts',
        piece: '  return { key: range.start, rangeEnd: keyAfter(range.end) };',
        by: '  return { key: range.start, rangeEnd: range.end === range.start ? keyAfter(range.end) : range.end };',
      },
    ],
  },
  {
    name: 'a view that skips a compaction',
    workload: 'view-schedules',
    sign: /Received promise rejected/,
    edits: [
      {
        file: 'lib/kvi/range-following.ts',
        piece: '        if (missed !== undefined) await this.#readAnew(missed);\n',
        by: '        if (failure instanceof CompactedError) this.#advance(failure.revision - 1, []);\n        else if (missed !== undefined) await this.#readAnew(missed);\n',
      },
      {
        file: 'lib/kvi/range-following.ts',
        piece: "import { ClosedError, isHistoryGone, RequestTimeoutError } from '../store/errors.js';",
        by: "import { ClosedError, CompactedError, isHistoryGone, RequestTimeoutError } from '../store/errors.js';",
      },
    ],
  },
  {
    name: '`assertHeld` that trusts a flag',
    workload: 'stopped-holder',
    sign: FINDINGS,
    edits: [
      {
        file: 'lib/kvi/held-lock.ts',
        piece: '    if (!this.isHeld) throw this.#loss ?? released(this.name);',
        by: '    if (this.#isOver) throw this.#loss ?? released(this.name);',
      },
    ],
  },
];
