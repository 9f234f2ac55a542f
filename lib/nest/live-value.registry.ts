import { Inject, Injectable } from '@nestjs/common';
import type { Connection } from './connection.settings.js';
import { FollowedValue } from './followed-value.js';
import type { FromKeyMetadata } from './from-key.metadata-accessor.js';
import { HMETCD_CONNECTION, HMETCD_KVI } from './hmetcd.constants.js';
import type { KviService } from './kvi.service.js';
import type { LiveValue, ValueView } from './live-value.js';

/** The values of one connection that `@FromKey` asks for, each opened once. They end with the connection. */
@Injectable()
export class LiveValueRegistry {
  private readonly values = new Map<FromKeyMetadata, Promise<LiveValue<unknown>>>();

  constructor(
    @Inject(HMETCD_KVI) private readonly kvi: Partial<KviService>,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  /**
   * Resolves when there is a value.
   *
   * @throws InvalidArgumentError where there is neither a good value nor a default; what the store throws
   */
  open(mark: FromKeyMetadata): Promise<LiveValue<unknown>> {
    const opened = [...this.values.keys()].find((other) => wantTheSame(mark, other));
    if (opened !== undefined) return this.values.get(opened)!;
    const value = this.follow(mark);
    this.values.set(mark, value);
    // What was not there may be there when it is asked for again.
    value.catch(() => this.values.delete(mark));
    return value;
  }

  private async follow(mark: FromKeyMetadata): Promise<LiveValue<unknown>> {
    const view = await this.observe(mark.key);
    try {
      return new FollowedValue(mark, view, this.connection.settings.logger);
    } catch (error) {
      await view.close?.();
      throw error;
    }
  }

  /** A connection may be a mock: what such a one does not answer counts as nothing there. A `Map` is answer enough. */
  private async observe(key: string): Promise<ValueView> {
    const view: Partial<ValueView> | undefined = await this.kvi.observe?.(key);
    return typeof view?.get === 'function' ? (view as ValueView) : new Map<string, string>();
  }
}

function wantTheSame(one: FromKeyMetadata, other: FromKeyMetadata): boolean {
  const haveOneDefault =
    one.fallback === undefined
      ? other.fallback === undefined
      : other.fallback !== undefined && Object.is(one.fallback.value, other.fallback.value);
  return one.key === other.key && one.parse === other.parse && haveOneDefault;
}
