import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { InvalidArgumentError } from '../store/errors.js';
import { connectionNames } from './connection.names.js';
import { connectionsWantedBy, giveConnection } from './connection.property.js';
import type { Connection } from './connection.settings.js';
import { DistLockedMetadataAccessor } from './dist-locked.metadata-accessor.js';
import { HMETCD_CONNECTION, HMETCD_KVI } from './hmetcd.constants.js';
import { SHARED_DEFAULT_LOCK, UNKNOWN_CONNECTION } from './hmetcd.messages.js';
import type { KviService } from './kvi.service.js';
import { ProviderScanner } from './provider.scanner.js';

/** Sees to the objects with `@DistLocked` methods, or ones of another decorator, that Nest did not construct. */
@Injectable()
export class DistLockedExplorer {
  constructor(
    private readonly scanner: ProviderScanner,
    private readonly metadata: DistLockedMetadataAccessor,
    private readonly modules: ModulesContainer,
    @Inject(HMETCD_KVI) private readonly kvi: KviService,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  /**
   * Nest itself refuses to construct an object whose connection it does not know; the others must be found.
   *
   * @throws InvalidArgumentError when a class wants a connection that no module defines
   */
  giveConnections(): void {
    const known = connectionNames(this.modules);
    for (const { className, prototype, instance } of this.scanner.findAll()) {
      const unknown = connectionsWantedBy(prototype).filter((name) => !known.has(name));
      if (unknown.length > 0) throw new InvalidArgumentError(UNKNOWN_CONNECTION(className, unknown[0]));
      if (instance !== undefined) giveConnection(instance, this.connection.settings.name, this.kvi);
    }
  }

  /** Methods that share a lock by accident starve each other, and nothing else would tell. */
  warnOfSharedDefaultLock(): void {
    const { lockName, logger } = this.connection.settings;
    const methods = [...new Set(this.methodsWithDefaultLock())];
    if (methods.length > 1) logger.warn(SHARED_DEFAULT_LOCK(lockName, methods));
  }

  private methodsWithDefaultLock(): string[] {
    return this.scanner.findAll().flatMap((found) =>
      this.scanner
        .methodsOf(found)
        .filter(({ method }) => this.usesDefaultLock(method))
        .map(({ name }) => `${found.className}.${name}`),
    );
  }

  private usesDefaultLock(method: object): boolean {
    const mark = this.metadata.markOf(method);
    return mark !== undefined && mark.usesDefaultLock && mark.connection === this.connection.settings.name;
  }
}
