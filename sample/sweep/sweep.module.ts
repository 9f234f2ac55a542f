import { Module } from '@nestjs/common';
import { HeartbeatsModule } from '../heartbeats/heartbeats.module.js';
import { LimitsModule } from '../limits/limits.module.js';
import { SweepService } from './sweep.service.js';

@Module({
  imports: [HeartbeatsModule, LimitsModule],
  providers: [SweepService],
})
export class SweepModule {}
