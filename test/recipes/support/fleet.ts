import { randomUUID } from 'node:crypto';
import { afterEach } from '@jest/globals';
import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { HmEtcdModule, type Kvi, open } from 'nestjs-hmetcd';
import { closeAll, start } from '../../nest/support/apps.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const operators: Kvi[] = [];

afterEach(async () => {
  await closeAll();
  await Promise.all(operators.splice(0).map((kvi) => kvi.close()));
});

/** Replicas of a service, on one store. All that it has started ends with the test. */
export class Fleet {
  readonly logger = new RecordingLogger();

  constructor(private readonly endpoint = `mem:${randomUUID()}`) {}

  replica({ imports = [], ...metadata }: ModuleMetadata): Promise<INestApplicationContext> {
    const connection = HmEtcdModule.forRoot({ endpoint: this.endpoint, logger: this.logger });
    return start({ imports: [connection, ...imports], ...metadata }, (builder) =>
      builder.setLogger(this.logger),
    );
  }

  /** A handle of no replica, as an operator's. */
  async operator(): Promise<Kvi> {
    const kvi = await open(this.endpoint, { logger: this.logger });
    operators.push(kvi);
    return kvi;
  }
}
