import { Inject, Injectable } from '@nestjs/common';
import type { Connection } from './connection.settings.js';
import { type FromKeyMetadata, FromKeyMetadataAccessor } from './from-key.metadata-accessor.js';
import { HMETCD_CONNECTION } from './hmetcd.constants.js';
import { LiveValueRegistry } from './live-value.registry.js';
import { ProviderScanner } from './provider.scanner.js';

/** Finds the values that no object wants yet, because their classes are constructed for each request. */
@Injectable()
export class FromKeyExplorer {
  constructor(
    private readonly scanner: ProviderScanner,
    private readonly metadata: FromKeyMetadataAccessor,
    private readonly values: LiveValueRegistry,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  /**
   * A key without a value must fail the start, and not the first request.
   *
   * @throws as {@link LiveValueRegistry.open}
   */
  async openForScoped(): Promise<void> {
    await Promise.all(this.scopedMarks().map((mark) => this.values.open(mark)));
  }

  private scopedMarks(): FromKeyMetadata[] {
    return this.scanner
      .findAll()
      .filter(({ instance }) => instance === undefined)
      .flatMap(({ prototype }) => this.metadata.marksOf(prototype.constructor))
      .filter(({ connection }) => connection === this.connection.settings.name);
  }
}
