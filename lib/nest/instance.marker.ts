import { Inject, Injectable } from '@nestjs/common';
import type { Connection } from './connection.settings.js';
import { HMETCD_CONNECTION, HMETCD_KVI } from './hmetcd.constants.js';
import { MARKER_SKIPPED } from './hmetcd.messages.js';
import type { KviService } from './kvi.service.js';

/** Announces this instance by a temporary key, which goes when the connection closes. */
@Injectable()
export class InstanceMarker {
  constructor(
    @Inject(HMETCD_KVI) private readonly kvi: Partial<KviService>,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  async announce(): Promise<void> {
    const { instance, logger } = this.connection.settings;
    if (instance === undefined) return;
    if (typeof this.kvi.tempKey !== 'function') return logger.debug(MARKER_SKIPPED);
    await this.kvi.tempKey(instance.prefix + instance.id);
  }
}
