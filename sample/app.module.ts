import { type DynamicModule, Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { HmEtcdModule } from 'nestjs-hmetcd';
import { AlertsModule } from './alerts/alerts.module.js';
import { GeneratorModule } from './generator/generator.module.js';
import { HeartbeatsModule } from './heartbeats/heartbeats.module.js';
import { INSTANCE_PREFIX } from './instances/instance.keys.js';
import { InstancesModule } from './instances/instances.module.js';
import { LimitsModule } from './limits/limits.module.js';
import { PageModule } from './page/page.module.js';
import { SweepModule } from './sweep/sweep.module.js';
import { validation } from './validation.pipe.js';

@Module({
  imports: [
    AlertsModule,
    GeneratorModule,
    HeartbeatsModule,
    InstancesModule,
    LimitsModule,
    PageModule,
    SweepModule,
  ],
  // Here and not in main.ts, so that a test that builds the application validates too.
  providers: [{ provide: APP_PIPE, useValue: validation }],
})
export class AppModule {
  static on(endpoint: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        HmEtcdModule.forRoot({ endpoint, instance: { prefix: INSTANCE_PREFIX } }),
        ScheduleModule.forRoot(),
      ],
    };
  }
}
