import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type KeyChange, KviService, OnKeyChange, PUT } from 'nestjs-hmetcd';
import { BehaviorSubject } from 'rxjs';
import { DEFAULT_LIMITS, type Limits } from './limits.dto.js';
import { parseLimits } from './limits.parser.js';

const LIMITS_KEY = 'config/limits';

@Injectable()
export class LimitsService implements OnModuleInit {
  private readonly logger = new Logger(LimitsService.name);
  private readonly subject = new BehaviorSubject<Limits>(DEFAULT_LIMITS);

  /** The last good ones, at once, and those that come. */
  readonly changes = this.subject.asObservable();

  constructor(private readonly kvi: KviService) {}

  /** The last good ones. */
  get current(): Limits {
    return this.subject.value;
  }

  /** Before the handler below starts, and never over what an operator or another instance has set. */
  async onModuleInit(): Promise<void> {
    await this.kvi.createIfAbsent(LIMITS_KEY, JSON.stringify(DEFAULT_LIMITS));
  }

  /** Anybody may write the key, so nothing is believed of it; a deletion leaves the limits as they are. */
  @OnKeyChange(LIMITS_KEY, PUT, { initial: true })
  async onLimits({ value }: KeyChange & { op: PUT }): Promise<void> {
    try {
      const limits = await parseLimits(value);
      this.logger.log(`Limits are ${JSON.stringify(limits)}`);
      this.subject.next(limits);
    } catch (error) {
      this.logger.error(`Bad value in ${LIMITS_KEY}, the last good one stays: ${String(error)}`);
    }
  }

  /** Takes effect, here as elsewhere, when the change comes back from the store. */
  async replace(limits: Limits): Promise<Limits> {
    await this.kvi.store(LIMITS_KEY, JSON.stringify(limits));
    return limits;
  }
}
