import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { HmEtcdHealthIndicator } from 'nestjs-hmetcd/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly etcd: HmEtcdHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.etcd.isHealthy('etcd')]);
  }
}

@Module({
  imports: [TerminusModule],
  controllers: [HealthController],
  providers: [HmEtcdHealthIndicator],
})
export class HealthModule {}
