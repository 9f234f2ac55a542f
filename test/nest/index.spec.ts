import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as index from '../../lib/index.js';

const values = [
  'AuthenticationError',
  'ClosedError',
  'CompactedError',
  'DELETE',
  'DistLocked',
  'FromKey',
  'HmEtcdError',
  'HmEtcdModule',
  'InjectKvi',
  'InvalidArgumentError',
  'KVC_KEYCHANGE_DELETE',
  'KVC_KEYCHANGE_INVAL',
  'KVC_KEYCHANGE_PUT',
  'KeyChangeOp',
  'KviService',
  'LockLostError',
  'LockTimeoutError',
  'OnDeposed',
  'OnElected',
  'OnKeyChange',
  'OutcomeUnknownError',
  'PUT',
  'PermissionDeniedError',
  'RequestTimeoutError',
  'RevisionOverflowError',
  'StoreReplacedError',
  'UnavailableError',
  'currentLock',
  'getKviToken',
  'open',
];

const types = [
  'AuthOptions',
  'ChangesOptions',
  'DistLockedOptions',
  'DistLockedTimeout',
  'ElectionMethodDecorator',
  'ElectionOptions',
  'FencedWrites',
  'FromKeyOptions',
  'HeldLock',
  'HmEtcdAsyncAnswer',
  'HmEtcdConnectionOptions',
  'HmEtcdLogger',
  'HmEtcdModuleAsyncOptions',
  'HmEtcdModuleOptions',
  'HmEtcdOptionsFactory',
  'Instance',
  'InstanceOptions',
  'KeyChange',
  'KeyChangeErrorHandler',
  'KeyChangeMethodDecorator',
  'KeyRange',
  'KeyValue',
  'Kvi',
  'KviOptions',
  'LeaderTerm',
  'LiveValue',
  'LiveView',
  'LockInfo',
  'LockNamer',
  'LockOptions',
  'LockPlace',
  'LockedMethodDecorator',
  'MemberListener',
  'Membership',
  'OnKeyChangeOptions',
  'Owner',
  'SkippableMethodDecorator',
  'Snapshot',
  'StandardSchema',
  'TlsOptions',
  'TransactionOperator',
  'ValueListener',
  'ValueParser',
  'ViewListener',
  'WatchCallback',
  'WatchEnd',
  'WatchHandle',
  'WatchOptions',
  'WithLockOptions',
];

/** Every name between the braces of an export, whether it is a type or a value. */
function exportedNames(source: string): string[] {
  const lists = [...source.matchAll(/export (?:type )?\{([^}]*)\}/g)].map(([, list]) => list!);
  return lists
    .flatMap((list) => list.split(','))
    .map((name) => name.replace('type ', '').trim())
    .filter((name) => name !== '');
}

describe('index.ts', () => {
  it('exports the public values and no others', () => {
    expect(Object.keys(index).toSorted()).toEqual(values);
  });

  it('exports the public types and no others, each by its name', () => {
    const source = readFileSync(new URL('../../lib/index.ts', import.meta.url), 'utf8');
    expect(exportedNames(source).toSorted()).toEqual([...values, ...types].toSorted());
    expect(source).not.toContain('*');
  });

  it('has the numbers of the original', () => {
    expect([index.KVC_KEYCHANGE_INVAL, index.KVC_KEYCHANGE_PUT, index.KVC_KEYCHANGE_DELETE]).toEqual([
      0, 1, 2,
    ]);
  });
});
