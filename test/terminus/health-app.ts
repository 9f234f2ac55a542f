import { Controller, Get, type DynamicModule, type Type } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { HmEtcdHealthIndicator, type HmEtcdHealthOptions } from '../../lib/terminus/index.js';

export interface Answer {
  readonly status: number;
  readonly body: HealthCheckResult;
  /** From the request to the whole answer. */
  readonly tookMs: number;
}

/** Answers `GET /health`, the checks in the order of their keys. */
export function healthController(checks: Record<string, HmEtcdHealthOptions | undefined>): Type {
  @Controller('health')
  class HealthController {
    constructor(
      private readonly health: HealthCheckService,
      private readonly etcd: HmEtcdHealthIndicator,
    ) {}

    @Get()
    @HealthCheck()
    check(): Promise<HealthCheckResult> {
      return this.health.check(
        Object.entries(checks).map(
          ([key, options]) =>
            () =>
              this.etcd.isHealthy(key, options),
        ),
      );
    }
  }
  return HealthController;
}

/** What an application has for it, beside its connections. */
export function withHealth(
  connections: readonly DynamicModule[],
  checks: Record<string, HmEtcdHealthOptions | undefined> = { etcd: undefined },
) {
  return {
    imports: [...connections, TerminusModule.forRoot({ logger: false })],
    controllers: [healthController(checks)],
    providers: [HmEtcdHealthIndicator],
  };
}

export async function askHealth(fetch: (path: string) => Promise<Response>): Promise<Answer> {
  const start = performance.now();
  const response = await fetch('/health');
  const body = (await response.json()) as HealthCheckResult;
  return { status: response.status, body, tookMs: performance.now() - start };
}
