import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { InvalidArgumentError } from '../store/errors.js';
import { connectionNames } from './connection.names.js';
import type { Connection } from './connection.settings.js';
import { type FromKeyMetadata, FromKeyMetadataAccessor } from './from-key.metadata-accessor.js';
import { HMETCD_CONNECTION } from './hmetcd.constants.js';
import { UNKNOWN_VALUE } from './hmetcd.messages.js';
import { LiveValueRegistry } from './live-value.registry.js';
import { ProviderScanner } from './provider.scanner.js';

/** Finds the values that no object wants yet, because their classes are constructed for each request. */
@Injectable()
export class FromKeyExplorer {
  constructor(
    private readonly scanner: ProviderScanner,
    private readonly metadata: FromKeyMetadataAccessor,
    private readonly values: LiveValueRegistry,
    private readonly modules: ModulesContainer,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  /**
   * A key without a value, or of a connection that nobody defines, must fail the start, and not the first request. Nest 11
   * looks for what such a class needs only then.
   *
   * @throws InvalidArgumentError when a class wants a connection that no module defines; as {@link LiveValueRegistry.open}
   */
  async openForScoped(): Promise<void> {
    const marks = this.scopedMarks();
    const known = connectionNames(this.modules);
    const unknown = marks.find(({ connection }) => !known.has(connection));
    if (unknown !== undefined) {
      throw new InvalidArgumentError(UNKNOWN_VALUE(unknown.owner, unknown.key, unknown.connection));
    }
    const own = marks.filter(({ connection }) => connection === this.connection.settings.name);
    await Promise.all(own.map((mark) => this.values.open(mark)));
  }

  private scopedMarks(): FromKeyMetadata[] {
    return this.scanner
      .findAll()
      .filter(({ instance }) => instance === undefined)
      .flatMap(({ prototype }) => this.metadata.marksOf(prototype.constructor));
  }
}
