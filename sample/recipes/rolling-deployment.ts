/*
 * A service that hands over when it is replaced: see rolling-deployment.md for what happens when, and the manifest.
 *
 * - `enableShutdownHooks` makes SIGTERM an orderly end. Without it the process is gone at once, and what it held stays taken
 *   until its lease ends.
 * - `useProcessExit`: as the first process of a container it could not end itself by the signal.
 * - No `forceCloseConnections`: it would cut off requests that are being answered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Injectable, Logger, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { currentLock, DistLocked, HmEtcdModule, KviService, type LeaderTerm, OnElected } from 'nestjs-hmetcd';

/** Settles what was ordered, on one replica. */
@Injectable()
class Settlement {
  constructor(private readonly kvi: KviService) {}

  @OnElected('settlement')
  async settle(term: LeaderTerm): Promise<void> {
    while (!term.signal.aborted) {
      // What has begun is finished: the next leader waits for it.
      for (const { key } of await this.kvi.getPrefix('ordered/')) await term.kv.delete(key);
      await sleep(500, undefined, { signal: term.signal });
    }
  }
}

@Controller('orders')
class Orders {
  /** One order of a customer at a time, in all replicas. */
  @Post(':customer')
  @DistLocked(5, { name: (customer: string) => `order-of/${encodeURIComponent(customer)}` })
  async order(@Param('customer') customer: string): Promise<string> {
    await sleep(1000); // talks to the warehouse
    await currentLock()!.kv.store(`ordered/${customer}`, new Date().toISOString());
    return 'ordered';
  }
}

@Module({
  imports: [
    HmEtcdModule.forRoot({
      endpoint: process.env['HMETCD_ENDPOINT'] ?? 'mem:',
      instance: { prefix: 'replicas/' },
      shutdownTimeoutMs: 5000,
    }),
  ],
  controllers: [Orders],
  providers: [Settlement],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
await app.listen(process.env['PORT'] ?? 3000);
new Logger('Orders').log(`Listening on ${await app.getUrl()}`);
