// What a block may leave out that shows a few lines only, as a reader would have it at hand.
import { randomUUID } from 'node:crypto';
import { Test, type TestingModule } from '@nestjs/testing';
import { HmEtcdModule, KviService } from 'nestjs-hmetcd';
import { RecordingLogger } from '../../support/recording-logger.js';

export { ConfigService } from '@nestjs/config';
export { Cron } from '@nestjs/schedule';
export { FromKey, HmEtcdModule, DistLocked, KviService, OnElected, OnKeyChange } from 'nestjs-hmetcd';

const app: TestingModule = await Test.createTestingModule({
  imports: [
    HmEtcdModule.forRoot({
      endpoint: `mem:${randomUUID()}`,
      instance: { prefix: 'instances/' },
      logger: new RecordingLogger(),
    }),
  ],
}).compile();
await app.init();

export const kvi = app.get(KviService);
export const entry = { amount: 1 };
export const readFileSync = (path: string): string => `what ${path} holds`;
process.env['ETCD_PASSWORD'] ??= 'that of orders';

/** Not for blocks: whoever ran them calls it. */
export const closeGiven = (): Promise<void> => app.close();
