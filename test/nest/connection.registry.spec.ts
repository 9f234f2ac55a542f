import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Module, Scope, type ModuleMetadata } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import type { Endpoint } from '../../lib/kvi/options.js';
import { MemoryDatabase } from '../../lib/store/memory/database.js';
import { MemoryStore } from '../../lib/store/memory/memory-store.js';
import type { Store } from '../../lib/store/store.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, start } from './support/apps.js';
import { Deferred } from './support/deferred.js';

/** How each endpoint answers in a test: by default with a store of its own. */
const answers = new Map<string, () => Promise<Store>>();
const open = new Set<string>();

function openMemory(name: string): Store {
  const store = new MemoryStore(new MemoryDatabase());
  const close = store.close.bind(store);
  open.add(name);
  store.close = () => {
    open.delete(name);
    return close();
  };
  return store;
}

jest.unstable_mockModule('../../lib/kvi/open-store.js', () => ({
  openStore: async (endpoint: Endpoint): Promise<Store> => {
    if (endpoint.kind !== 'memory') throw new Error('Only mem: is mocked.');
    return answers.get(endpoint.name)?.() ?? openMemory(endpoint.name);
  },
}));

const { HmEtcdModule, InvalidArgumentError, KviService, OnKeyChange, UnavailableError } =
  await import('../../lib/index.js');

beforeEach(() => {
  answers.clear();
  open.clear();
});

afterEach(closeAll);

const logger = new RecordingLogger();
const forRoot = (name: string, options: { connectTimeoutMs?: number } = {}) =>
  HmEtcdModule.forRoot({ name, endpoint: `mem:${name}`, logger, ...options });

/** The error of a start that must fail. */
async function failureOf(metadata: ModuleMetadata): Promise<unknown> {
  return start(metadata).then(
    () => {
      throw new Error('It started.');
    },
    (error: unknown) => error,
  );
}

describe('a store that never answers', () => {
  beforeEach(() => {
    answers.set('never', () => new Promise(() => {}));
  });

  it('fails the start within connectTimeoutMs', async () => {
    const startedAt = performance.now();
    const error = await failureOf({ imports: [forRoot('never', { connectTimeoutMs: 100 })] });
    const tookMs = performance.now() - startedAt;
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toHaveProperty('message', expect.stringContaining('connectTimeoutMs'));
    expect(tookMs).toBeGreaterThan(90);
    // As without the option.
    expect(tookMs).toBeLessThan(5000);
  });

  it('fails NestFactory.create as well', async () => {
    @Module({})
    class App {}
    const module = { module: App, imports: [forRoot('never', { connectTimeoutMs: 10 })] };
    const creating = NestFactory.createApplicationContext(module, { abortOnError: false, logger: false });
    await expect(creating).rejects.toThrow(UnavailableError);
  });

  it('is closed when it answers too late', async () => {
    const late = new Deferred<Store>();
    answers.set('late', () => late.promise);
    await failureOf({ imports: [forRoot('late', { connectTimeoutMs: 10 })] });
    late.resolve(openMemory('late'));
    await new Promise(setImmediate);
    expect([...open]).toEqual([]);
  });
});

describe('a start that fails closes', () => {
  it('the connections that were open before', async () => {
    answers.set('fails', async () => {
      await new Promise(setImmediate);
      expect([...open]).toEqual(['works', 'works too']);
      throw new Error('no store');
    });
    const error = await failureOf({ imports: [forRoot('works'), forRoot('fails'), forRoot('works too')] });
    expect(error).toHaveProperty('message', 'no store');
    expect([...open]).toEqual([]);
  });

  it('the connections that open only after the failure', async () => {
    const late = new Deferred();
    answers.set('fails', () => Promise.reject(new Error('no store')));
    answers.set('late', async () => {
      await late.promise;
      return openMemory('late');
    });
    await failureOf({ imports: [forRoot('late'), forRoot('fails')] });
    late.resolve();
    await new Promise(setImmediate);
    expect([...open]).toEqual([]);
  });

  it('all connections when two modules define one', async () => {
    const error = await failureOf({ imports: [forRoot('other'), forRoot('twice'), forRoot('twice')] });
    await new Promise(setImmediate);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect([...open]).toEqual([]);
  });

  it('all connections when a handler is refused', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      @OnKeyChange('key', undefined, { connection: 'one' })
      changed(): void {}
    }
    const error = await failureOf({ imports: [forRoot('one'), forRoot('two')], providers: [Scoped] });
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect([...open]).toEqual([]);
  });

  it.each([
    ['before', ['one', 'two']],
    ['after', ['two', 'one']],
  ])('all connections when a first pass fails %s the other has started', async (_title, names) => {
    @Injectable()
    class Service {
      @OnKeyChange({ prefix: 'k' }, undefined, { connection: 'one', initial: true })
      changed(): void {}
    }
    answers.set('one', async () => {
      const store = openMemory('one');
      store.range = () => Promise.reject(new UnavailableError('nobody answers'));
      return store;
    });
    const imports = names.map((name) => forRoot(name));
    const error = await failureOf({ imports, providers: [Service] });
    expect(error).toHaveProperty('message', expect.stringContaining('nobody answers'));
    expect([...open]).toEqual([]);
  });

  it('all connections when the instance cannot be announced', async () => {
    answers.set('one', async () => {
      const store = openMemory('one');
      store.leaseGrant = () => Promise.reject(new UnavailableError('nobody answers'));
      return store;
    });
    const error = await failureOf({
      imports: [
        HmEtcdModule.forRoot({ endpoint: 'mem:one', logger, instance: { prefix: 'instances/' } }),
        forRoot('two'),
      ],
    });
    expect(error).toHaveProperty('message', expect.stringContaining('nobody answers'));
    expect([...open]).toEqual([]);
  });

  it('nothing that has started, when a module that is loaded lazily fails', async () => {
    answers.set('fails', () => Promise.reject(new Error('no store')));
    const app = await start({ imports: [HmEtcdModule.forRoot('mem:one'), forRoot('two')] });
    const loader = app.get(LazyModuleLoader);
    const load = (name: string) => {
      @Module({ imports: [forRoot(name)] })
      class Lazy {}
      return loader.load(() => Lazy);
    };
    await expect(load('fails')).rejects.toThrow('no store');
    expect([...open]).toEqual(['one', 'two']);
    await load('three');
    await expect(load('fails')).rejects.toThrow('no store');
    expect([...open]).toEqual(['one', 'two', 'three']);
    await expect(app.get(KviService).get('key')).resolves.toBeUndefined();
  });

  it('nothing of another application', async () => {
    answers.set('fails', () => Promise.reject(new Error('no store')));
    const app = await start({ imports: [HmEtcdModule.forRoot('mem:one')] });
    await failureOf({ imports: [forRoot('fails')] });
    expect([...open]).toEqual(['one']);
    await expect(app.get(KviService).get('key')).resolves.toBeUndefined();
  });
});
