import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import { currentLock, DistLocked, HmEtcdModule } from '../../lib/index.js';
import { closeAll, start } from './support/apps.js';
import { newStore } from './support/stores.js';

afterEach(closeAll);

const CONTEXTS = 3;
const CALLS = 50;

/** What all contexts share, as a database would be. */
class Shared {
  inside = 0;
  mostInside = 0;
  readonly ran: { context: number; call: number; token: number }[] = [];
}

@Injectable()
class Service {
  constructor(
    @Inject('shared') private readonly shared: Shared,
    @Inject('context') private readonly context: number,
  ) {}

  @DistLocked(60)
  async work(call: number): Promise<void> {
    const { shared, context } = this;
    shared.inside++;
    shared.mostInside = Math.max(shared.mostInside, shared.inside);
    await new Promise(setImmediate);
    shared.ran.push({ context, call, token: currentLock()!.fencingToken });
    shared.inside--;
  }
}

describe(`${CALLS} concurrent calls in each of ${CONTEXTS} application contexts`, () => {
  it('never run two at once, all run, in each context in call order, with growing fencing tokens', async () => {
    const store = newStore();
    const shared = new Shared();
    const contexts = Array.from({ length: CONTEXTS }, (_, context) => context);
    const services = await Promise.all(
      contexts.map(async (context) => {
        const app = await start({
          imports: [HmEtcdModule.forRoot(store)],
          providers: [
            Service,
            { provide: 'shared', useFactory: () => shared },
            { provide: 'context', useValue: context },
          ],
        });
        return app.get(Service);
      }),
    );

    const calls = Array.from({ length: CALLS }, (_, call) => call);
    await Promise.all(calls.flatMap((call) => services.map((service) => service.work(call))));

    expect(shared.mostInside).toBe(1);
    expect(shared.ran).toHaveLength(CONTEXTS * CALLS);
    for (const context of contexts) {
      const order = shared.ran.filter((run) => run.context === context).map(({ call }) => call);
      expect(order).toEqual(calls);
    }
    const tokens = shared.ran.map(({ token }) => token);
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});
