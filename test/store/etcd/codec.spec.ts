import { describe, expect, it } from '@jest/globals';
import {
  eventFromWire,
  leaseFromWire,
  leaseToWire,
  rangeToWire,
  rangeFromWire,
  recordFromWire,
  spanToWire,
  toNumber,
  txnFromWire,
  txnToWire,
} from '../../../lib/store/etcd/codec.js';
import { UnfitAnswerError } from '../../../lib/store/etcd/call-errors.js';
import type { TxnRequest } from '../../../lib/store/store.js';
import { HmEtcdError } from '../../../lib/store/errors.js';

const RECORD = {
  key: Buffer.from('schlüssel'),
  value: Buffer.from('𝔘'),
  create_revision: '7',
  mod_revision: '9',
  version: '3',
  lease: '9223372036854775807',
};

describe('numbers', () => {
  it('are exact up to 2^53-1 and an error beyond', () => {
    expect(toNumber('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => toNumber('9007199254740992')).toThrow(HmEtcdError);
    expect(() => toNumber('9007199254740992')).toThrow(/2\^53-1/);
  });
});

describe('lease ids', () => {
  it.each([
    ['1', '1', { low: 1, high: 0 }],
    ['694d81b1e7a1b2c3', '7587863548284482243', { low: 0xe7a1b2c3, high: 0x694d81b1 }],
    ['7fffffffffffffff', '9223372036854775807', { low: 0xffffffff, high: 0x7fffffff }],
  ])('"%s" is %s on the wire, and back', (id, wire, bits) => {
    expect(leaseToWire(id)).toEqual(bits);
    expect(leaseFromWire(wire)).toBe(id);
  });

  it('may be left out', () => {
    expect(leaseToWire('')).toEqual({ low: 0, high: 0 });
    expect(leaseFromWire('0')).toBe('');
  });
});

describe('a span', () => {
  it('of one key has no end on the wire: an empty one would mean all that follow', () => {
    expect(spanToWire({ key: 'a' })).toEqual({ key: Buffer.from('a') });
    expect(spanToWire({ key: 'a', rangeEnd: '\0' })).toEqual({
      key: Buffer.from('a'),
      range_end: Buffer.of(0),
    });
  });
});

describe('a range', () => {
  it('says only what was asked for', () => {
    expect(rangeToWire({ key: 'a' })).toEqual({ key: Buffer.from('a') });
    expect(rangeToWire({ key: 'a', revision: 7, limit: 1, keysOnly: true, oldestFirst: true })).toEqual({
      key: Buffer.from('a'),
      revision: 7,
      limit: 1,
      keys_only: true,
      sort_order: 1,
      sort_target: 2,
    });
  });
});

describe('a txn', () => {
  it('carries compares and both branches', () => {
    const wire = txnToWire({
      compare: [
        { key: 'a', target: 'value', operator: '!=', value: 'x' },
        { key: 'b', rangeEnd: 'c', target: 'create', operator: '=', revision: 0 },
        { key: 'd', target: 'mod', operator: '<', revision: 9 },
      ],
      success: [{ type: 'put', key: 'a', value: 'y', lease: 'ff' }],
      failure: [
        { type: 'delete', key: 'a' },
        { type: 'range', key: 'b', limit: 2 },
      ],
    });
    expect(wire).toEqual({
      compare: [
        { key: Buffer.from('a'), target: 3, result: 3, value: Buffer.from('x') },
        {
          key: Buffer.from('b'),
          range_end: Buffer.from('c'),
          target: 1,
          result: 0,
          create_revision: 0,
        },
        { key: Buffer.from('d'), target: 2, result: 2, mod_revision: 9 },
      ],
      success: [
        { request_put: { key: Buffer.from('a'), value: Buffer.from('y'), lease: { low: 255, high: 0 } } },
      ],
      failure: [
        { request_delete_range: { key: Buffer.from('a') } },
        { request_range: { key: Buffer.from('b'), limit: 2 } },
      ],
    });
  });
});

describe('a nested txn', () => {
  it('carries compares and both branches, too', () => {
    const { success } = txnToWire({
      success: [
        {
          type: 'txn',
          compare: [{ key: 'a', target: 'mod', operator: '=', revision: 9 }],
          success: [{ type: 'txn', failure: [{ type: 'range', key: 'b' }] }],
          failure: [{ type: 'delete', key: 'a' }],
        },
      ],
    });
    const range = { request_range: { key: Buffer.from('b') } };
    expect(success).toEqual([
      {
        request_txn: {
          compare: [{ key: Buffer.from('a'), target: 2, result: 0, mod_revision: 9 }],
          success: [{ request_txn: { compare: [], success: [], failure: [range] } }],
          failure: [{ request_delete_range: { key: Buffer.from('a') } }],
        },
      },
    ]);
  });

  it('has no revision of its own in the answer', () => {
    const inner = { header: { revision: '0' }, succeeded: false, responses: [{ response_put: {} }] };
    const wire = { header: { revision: '7' }, succeeded: true, responses: [{ response_txn: inner }] };
    const put = { type: 'put', key: 'a', value: '' } as const;
    expect(txnFromWire(wire as never, { success: [{ type: 'txn', failure: [put] }] })).toEqual({
      succeeded: true,
      revision: 7,
      responses: [{ type: 'txn', succeeded: false, responses: [{ type: 'put' }] }],
    });
  });
});

describe('a record', () => {
  it('has text, numbers and a lease in hexadecimal', () => {
    expect(recordFromWire(RECORD)).toEqual({
      key: 'schlüssel',
      value: '𝔘',
      createRevision: 7,
      modRevision: 9,
      version: 3,
      lease: '7fffffffffffffff',
    });
  });

  it('that is new has none before it in its event', () => {
    const put = eventFromWire({ type: 'Put', kv: RECORD, prev_kv: null as never });
    const removal = eventFromWire({ type: 'Delete', kv: RECORD, prev_kv: RECORD });
    expect([put.type, put.previous]).toEqual(['put', undefined]);
    expect([removal.type, removal.previous?.value]).toEqual(['delete', '𝔘']);
  });
});

describe('an answer that is none to the request', () => {
  const header = { revision: '7' };
  const request: TxnRequest = {
    success: [{ type: 'put', key: 'a', value: '' }],
    failure: [{ type: 'range', key: 'a' }],
  };
  const put = { response_put: {} };
  const range = { response_range: { header, kvs: [], more: false } };

  it.each([
    ['nothing', true, []],
    ['one response too many', true, [put, put]],
    ["the other branch's", false, [put]],
    ['one of another kind', true, [range]],
    ['an empty one', true, [{}]],
  ])('is refused: %s', (_, succeeded, responses) => {
    expect(() => txnFromWire({ header, succeeded, responses } as never, request)).toThrow(UnfitAnswerError);
  });

  it.each([
    ['another key', { key: 'other' }, false],
    ['a key before the span', { key: 't', rangeEnd: '\0' }, false],
    ['a key behind it', { key: 'a', rangeEnd: 'b' }, false],
  ])('is refused in a read: %s', (_, span, more) => {
    expect(() => rangeFromWire({ header, kvs: [RECORD], more } as never, span)).toThrow(UnfitAnswerError);
  });

  it('is a page without a key that has another behind it', () => {
    const span = { key: 'a', rangeEnd: '\0' };
    expect(() => rangeFromWire({ header, kvs: [], more: true } as never, span)).toThrow(UnfitAnswerError);
    expect(rangeFromWire({ header, kvs: [], more: false } as never, span).kvs).toEqual([]);
  });

  it('is not one with a key that is no text', () => {
    const kv = { ...RECORD, key: Buffer.from([0x61, 0x80]) };
    const span = { key: 'a', rangeEnd: 'a\u00e9' };
    expect(rangeFromWire({ header, kvs: [kv], more: false } as never, span).kvs).toHaveLength(1);
  });
});
