import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { HealthOptions, KviHealth } from '../kvi/kvi.js';
import { checkMilliseconds, checkPatience } from '../kvi/options.js';
import { readFields } from '../kvi/validate.js';
import { checkConnectionName } from '../nest/hmetcd-options.checks.js';
import type { KviService } from '../nest/kvi.service.js';
import { getKviToken } from '../nest/kvi.tokens.js';
import { InvalidArgumentError } from '../store/errors.js';
import { NO_HEALTH, NO_SUCH_CONNECTION } from './hmetcd.health.messages.js';

/**
 * Which connection is asked, and what counts as healthy.
 *
 * @publicApi
 */
export interface HmEtcdHealthOptions extends Omit<HealthOptions, 'signal'> {
  /** Which connection, by the `name` of its module. Left out: the one without a name. */
  readonly connection?: string;
}

const OPTION_CHECKS = {
  connection: checkConnectionName,
  timeoutMs: checkMilliseconds,
  watchesBehindMs: checkPatience,
};

/**
 * Tells Terminus how a connection is doing. List it among the providers of a module that imports `TerminusModule`:
 *
 * ```ts
 * this.health.check([() => this.etcd.isHealthy('etcd')]);
 * ```
 *
 * @publicApi
 */
@Injectable()
export class HmEtcdHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly modules: ModuleRef,
  ) {}

  /**
   * `up` when {@link KviService.health} answers `healthy`, else `down`. With it come `state`, which is that answer's `status`,
   * `message`, the reason in words, and its `members`, `session` and `watchesBehindMs`. No secret is among them, but the
   * addresses of the servers are.
   *
   * It ends within `timeoutMs`. A connection that is mocked without a `health` is `down`, and the message says so.
   *
   * @param key under which it appears in the result
   * @throws InvalidArgumentError for an option that is not what it may be, and an unknown connection
   */
  async isHealthy<const Key extends string>(
    key: Key,
    options: HmEtcdHealthOptions = {},
  ): Promise<HealthIndicatorResult<Key>> {
    const { connection, ...limits } = readFields<HmEtcdHealthOptions>('options', options, OPTION_CHECKS);
    const indicator = this.indicators.check(key);
    const answer: unknown = await this.connection(connection)?.health?.(limits);
    if (!isHealth(answer)) return indicator.down({ message: NO_HEALTH(connection) });
    const { status: state, reason, ...details } = answer;
    if (state === 'healthy') return indicator.up({ state, ...details });
    return indicator.down({ state, message: reason, ...details });
  }

  /** What stands for it in a test may be anything. */
  private connection(name: string | undefined): Partial<KviService> | null | undefined {
    try {
      return this.modules.get(getKviToken(name), { strict: false });
    } catch (cause) {
      throw new InvalidArgumentError(NO_SUCH_CONNECTION(name), { cause });
    }
  }
}

function isHealth(answer: unknown): answer is KviHealth {
  return typeof (answer as Partial<KviHealth> | null | undefined)?.status === 'string';
}
