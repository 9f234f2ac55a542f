import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Scope, type ModuleMetadata } from '@nestjs/common';
import { DistLocked, HmEtcdModule } from '../../lib/index.js';
import { SHARED_DEFAULT_LOCK } from '../../lib/nest/hmetcd.messages.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { closeAll, start } from './support/apps.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

@Injectable()
class One {
  @DistLocked()
  async first(): Promise<void> {}

  @DistLocked(5, { name: 'own' })
  async named(): Promise<void> {}

  @DistLocked(5, { name: () => 'own' })
  async namedByFunction(): Promise<void> {}
}

@Injectable()
class Two {
  @DistLocked(5, { onLost: 'ignore' })
  async second(): Promise<void> {}
}

@Injectable()
class Billing {
  @DistLocked({ connection: 'billing' })
  async bill(): Promise<void> {}
}

async function warningsOf({ providers = [], controllers = [] }: ModuleMetadata): Promise<string[]> {
  const logger = new RecordingLogger();
  const imports = [
    HmEtcdModule.forRoot({ ...newStore(), lockName: 'shared', logger }),
    HmEtcdModule.forRoot({ name: 'billing', ...newStore(), logger: new RecordingLogger() }),
  ];
  await start({ imports, providers, controllers });
  return logger.at('warn');
}

describe('methods that share the default lock of a connection', () => {
  it('are named in one warning at the start', async () => {
    const warning = SHARED_DEFAULT_LOCK('shared', ['One.first', 'Two.second']);
    expect(await warningsOf({ providers: [One, Two, Billing] })).toEqual([warning]);
  });

  it('may be of one class, of a request-scoped one, or of a controller', async () => {
    @Controller()
    class Three extends One {
      @DistLocked()
      async third(): Promise<void> {}
    }
    @Injectable({ scope: Scope.REQUEST })
    class Four extends Two {}
    const warnings = await warningsOf({ providers: [Four], controllers: [Three] });
    expect(warnings).toHaveLength(1);
    for (const method of ['Three.first', 'Three.third', 'Four.second']) expect(warnings[0]).toContain(method);
  });

  it.each<[string, ModuleMetadata]>([
    ['a single method', { providers: [One] }],
    ['a method of another connection', { providers: [One, Billing] }],
    ['a class that is provided twice', { providers: [One, { provide: 'again', useClass: One }] }],
    ['an object under two names', { providers: [One, { provide: 'again', useExisting: One }] }],
    ['none', {}],
  ])('are not %s', async (_title, metadata) => {
    expect(await warningsOf(metadata)).toEqual([]);
  });
});
