import { describe, expect, it } from '@jest/globals';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import type { ITxnResponse } from 'etcd3';
import { ConnectionPool } from 'etcd3/lib/connection-pool.js';
import { RevisionOverflowError } from '../../../lib/store/errors.js';
import { txnFromWire, txnToWire } from '../../../lib/store/etcd/codec.js';
import type { TxnRequest } from '../../../lib/store/store.js';
import { codecOf, type Header } from '../../../lib/store/etcd/messages.js';

type Method = MethodDefinition<unknown, unknown>;

async function methodOf(name: string): Promise<Method> {
  const pool = new ConnectionPool({ hosts: 'http://127.0.0.1:1' });
  const client = await pool.withConnection('KV', (context) => context.client);
  pool.close();
  const definitions = (client.constructor as unknown as { service: ServiceDefinition }).service;
  return Object.values(definitions).find(({ originalName }) => originalName === name)!;
}

const header = { cluster_id: '14841639068965178418', member_id: '7', revision: '12', raft_term: '2' };

const RESPONSE = {
  header,
  succeeded: true,
  responses: [
    { response_put: { header: { revision: '12' } } },
    { response_delete_range: { header: { revision: '12' }, deleted: '3' } },
    {
      response_range: {
        header: { revision: '9007199254740991' },
        kvs: [
          {
            key: Buffer.from('schlüssel'),
            value: Buffer.from('𝔘'),
            create_revision: '7',
            mod_revision: '9',
            version: '3',
            lease: '9223372036854775807',
          },
          { key: Buffer.from('empty'), create_revision: '7', mod_revision: '7', version: '1' },
        ],
        more: true,
      },
    },
    { response_range: { header: { revision: '12' } } },
    { response_txn: { header: { revision: '12' }, responses: [{ response_put: {} }] } },
  ],
};

describe("a request, without etcd3's codec", () => {
  it('is what was asked for', async () => {
    const method = await methodOf('txn');
    const bytes = codecOf(method).encode(
      txnToWire({
        compare: [
          { key: 'a', target: 'value', operator: '!=', value: 'x' },
          { key: 'b', rangeEnd: 'c', target: 'create', operator: '<', revision: -1 },
          { key: 'd', target: 'mod', operator: '>', revision: Number.MAX_SAFE_INTEGER },
        ],
        success: [
          { type: 'put', key: 'schlüssel', value: '𝔘', lease: '7fffffffffffffff' },
          { type: 'put', key: 'empty', value: '' },
          { type: 'range', key: 'b', rangeEnd: 'c', limit: 2, keysOnly: true, oldestFirst: true },
        ],
        failure: [{ type: 'txn', success: [{ type: 'delete', key: 'a', rangeEnd: '\0' }] }],
      }),
    );
    const key = (text: string): { key: Buffer } => ({ key: Buffer.from(text) });
    const end = (text: string): { range_end: Buffer } => ({ range_end: Buffer.from(text) });

    expect(
      (method as unknown as { requestDeserialize(from: Buffer): object }).requestDeserialize(bytes),
    ).toMatchObject({
      compare: [
        { target: 'Value', result: 'NotEqual', value: Buffer.from('x') },
        { ...key('b'), ...end('c'), target: 'Create', result: 'Less', create_revision: '-1' },
        { ...key('d'), target: 'Mod', result: 'Greater', mod_revision: '9007199254740991' },
      ],
      success: [
        { request_put: { ...key('schlüssel'), value: Buffer.from('𝔘'), lease: '9223372036854775807' } },
        { request_put: { ...key('empty'), value: Buffer.alloc(0), lease: '0' } },
        {
          request_range: {
            ...key('b'),
            ...end('c'),
            limit: '2',
            keys_only: true,
            sort_order: 'Ascend',
            sort_target: 'Create',
          },
        },
      ],
      failure: [{ request_txn: { success: [{ request_delete_range: { ...key('a'), ...end('\0') } }] } }],
    });
  });
});

const REQUEST: TxnRequest = {
  success: [
    { type: 'put', key: 'a', value: '' },
    { type: 'delete', key: 'a' },
    { type: 'range', key: 'a', rangeEnd: '\0', limit: 2 },
    { type: 'range', key: 'b' },
    { type: 'txn', failure: [{ type: 'put', key: 'c', value: '' }] },
  ],
};

describe("a response, without etcd3's codec", () => {
  it('says the same', async () => {
    const method = await methodOf('txn');
    const bytes = method.responseSerialize(RESPONSE);
    const ours = txnFromWire(codecOf(method).decode(bytes) as ITxnResponse, REQUEST);

    expect(ours).toEqual(txnFromWire(method.responseDeserialize(bytes) as ITxnResponse, REQUEST));
    expect(ours.responses[2]).toMatchObject({
      revision: Number.MAX_SAFE_INTEGER,
      kvs: [
        { value: '𝔘', lease: '7fffffffffffffff' },
        { value: '', lease: '' },
      ],
      more: true,
    });
  });

  it('tells its cluster, whose number is larger than JavaScript counts', async () => {
    const method = await methodOf('txn');
    const decoded = codecOf(method).decode(method.responseSerialize(RESPONSE)) as { header: Header };
    expect(String(decoded.header.cluster_id)).toBe(header.cluster_id);
  });

  it('with a revision that JavaScript cannot count is an error', async () => {
    const method = await methodOf('txn');
    const bytes = method.responseSerialize({ header: { ...header, revision: '9007199254740993' } });
    expect(() => txnFromWire(codecOf(method).decode(bytes) as ITxnResponse, {})).toThrow(
      RevisionOverflowError,
    );
  });
});
