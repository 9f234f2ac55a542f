import { describe, expect, it } from '@jest/globals';
import { getKviToken, HmEtcdModule, InjectKvi, InvalidArgumentError } from '../../lib/index.js';
import type { HmEtcdAsyncAnswer, HmEtcdModuleAsyncOptions } from '../../lib/index.js';
import { ONE_FACTORY } from '../../lib/nest/hmetcd.messages.js';
import { start } from './support/apps.js';
import { refusalOf, rejectionOf } from './support/refusal.js';

const MEM = 'mem:options';
const LONE_SURROGATE = 'a\ud800';

/** Each with what its error must name. */
const wrongEndpoints: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 1],
  ['empty', ''],
  ['no endpoint in an array', []],
  ['an array of other things', [1]],
  ['mem', 'mem'],
  ['no host', 'http://'],
  ['another scheme', 'ftp://x'],
  ['a path', 'http://x/y'],
  ['a user', 'http://user:secret@x'],
  ['mem: among others', ['mem:', 'http://x:2379']],
];

const wrongConnectionOptions: [string, unknown][] = [
  ['options.endpoint', {}],
  ['options.endpoint', { endpoint: 'ftp://x' }],
  ['options.endpoint', { endpoint: 1 }],
  ['options.unknown', { endpoint: MEM, unknown: 1 }],
  ['options.namespace', { endpoint: MEM, namespace: 1 }],
  ['options.namespace', { endpoint: MEM, namespace: LONE_SURROGATE }],
  ['options.connectTimeoutMs', { endpoint: MEM, connectTimeoutMs: 0 }],
  ['options.connectTimeoutMs', { endpoint: MEM, connectTimeoutMs: NaN }],
  ['options.requestTimeoutMs', { endpoint: MEM, requestTimeoutMs: -1 }],
  ['options.sessionTtlSec', { endpoint: MEM, sessionTtlSec: -1 }],
  ['options.sessionTtlSec', { endpoint: MEM, sessionTtlSec: Infinity }],
  ['options.shutdownTimeoutMs', { endpoint: MEM, shutdownTimeoutMs: '1' }],
  ['options.lockName', { endpoint: MEM, lockName: '' }],
  ['options.lockName', { endpoint: MEM, lockName: LONE_SURROGATE }],
  ['options.logger', { endpoint: MEM, logger: {} }],
  ['options.tls', { endpoint: MEM, tls: true }],
  ['options.tls.ca', { endpoint: MEM, tls: { ca: 1 } }],
  ['options.auth.password', { endpoint: MEM, auth: { username: 'user' } }],
  ['options.instance', { endpoint: MEM, instance: 'instances/' }],
  ['options.instance.prefix', { endpoint: MEM, instance: {} }],
  ['options.instance.prefix', { endpoint: MEM, instance: { prefix: '' } }],
  ['options.instance.prefix', { endpoint: MEM, instance: { prefix: LONE_SURROGATE } }],
  ['options.instance.prefix', { endpoint: MEM, instance: { prefix: '\0hmetcd/x' } }],
  ['options.instance.id', { endpoint: MEM, instance: { prefix: 'p/', id: '' } }],
  ['options.instance.id', { endpoint: MEM, instance: { prefix: 'p/', id: 1 } }],
  ['options.instance.other', { endpoint: MEM, instance: { prefix: 'p/', other: 1 } }],
];

const wrongNestOptions: [string, unknown][] = [
  ['options.name', { name: '' }],
  ['options.name', { name: 1 }],
  ['options.name', { name: null }],
  ['options.isGlobal', { isGlobal: 'yes' }],
];

const refused = (argument: string) => ({ error: InvalidArgumentError, argument });

describe('forRoot', () => {
  it.each(wrongEndpoints)('refuses an endpoint that is %s', (_title, endpoint) => {
    expect(refusalOf(() => HmEtcdModule.forRoot(endpoint as string))).toEqual(refused('endpoint'));
  });

  it.each(wrongConnectionOptions)('names %s in %j', (argument, options) => {
    expect(refusalOf(() => HmEtcdModule.forRoot(options as { endpoint: string }))).toEqual(refused(argument));
  });

  it.each(wrongNestOptions)('names %s in %j', (argument, options) => {
    expect(refusalOf(() => HmEtcdModule.forRoot({ endpoint: MEM, ...(options as object) }))).toEqual(
      refused(argument),
    );
  });

  it('says which options there are', () => {
    const options = { endpoint: MEM, lockname: 'x' };
    expect(() => HmEtcdModule.forRoot(options)).toThrow(
      /lockName, logger, endpoint, instance, name, isGlobal/,
    );
  });

  it('shows no password', () => {
    const forRoot = (): unknown => HmEtcdModule.forRoot('http://user:secret@x');
    expect(forRoot).toThrow(InvalidArgumentError);
    expect(forRoot).not.toThrow(/secret/);
  });
});

describe('forRootAsync', () => {
  const useFactory = (): string => MEM;
  const useClass = class {
    createHmEtcdOptions(): string {
      return MEM;
    }
  };

  it.each(wrongNestOptions)('names %s in %j', (argument, options) => {
    expect(refusalOf(() => HmEtcdModule.forRootAsync({ useFactory, ...(options as object) }))).toEqual(
      refused(argument),
    );
  });

  it.each<[string, unknown]>([
    ['options', undefined],
    ['options', 'mem:'],
    ['options.useFactory', { useFactory: MEM }],
    ['options.useClass', { useClass: 'Factory' }],
    ['options.useExisting', { useExisting: {} }],
    ['options.imports', { useFactory, imports: {} }],
    ['options.inject', { useFactory, inject: 'Config' }],
    ['options.endpoint', { useFactory, endpoint: MEM }],
  ])('names %s in %j', (argument, options) => {
    expect(refusalOf(() => HmEtcdModule.forRootAsync(options as HmEtcdModuleAsyncOptions))).toEqual(
      refused(argument),
    );
  });

  it.each<[string, HmEtcdModuleAsyncOptions]>([
    ['no source', {}],
    ['two sources', { useFactory, useClass }],
    ['three sources', { useFactory, useClass, useExisting: useClass }],
  ])('refuses %s', (_title, options) => {
    expect(() => HmEtcdModule.forRootAsync(options)).toThrow(InvalidArgumentError);
    expect(() => HmEtcdModule.forRootAsync(options)).toThrow(ONE_FACTORY);
  });

  const startWith = (answer: unknown): Promise<unknown> =>
    start({ imports: [HmEtcdModule.forRootAsync({ useFactory: () => answer as HmEtcdAsyncAnswer })] });

  it.each(wrongEndpoints)(
    'does not start when the factory answers an endpoint that is %s',
    async (_title, answer) => {
      expect(await rejectionOf(startWith(answer))).toEqual(refused('endpoint'));
    },
  );

  it.each([
    ...wrongConnectionOptions,
    ['options.name', { endpoint: MEM, name: 'billing' }] as const,
    ['options.isGlobal', { endpoint: MEM, isGlobal: true }] as const,
  ])('does not start, and names %s, when the factory answers %j', async (argument, answer) => {
    expect(await rejectionOf(startWith(answer))).toEqual(refused(argument));
  });
});

describe('getKviToken and InjectKvi', () => {
  it.each([[''], [1], [null], [{}]])('refuse the name %j', (name) => {
    expect(refusalOf(() => getKviToken(name as string))).toEqual(refused('name'));
    expect(refusalOf(() => InjectKvi(name as string))).toEqual(refused('name'));
  });

  it('answer a token of its own for each name, which says whose it is', () => {
    expect(getKviToken('billing')).not.toBe(getKviToken('orders'));
    expect(getKviToken('billing')).toBe("nestjs-hmetcd connection 'billing'");
  });
});
