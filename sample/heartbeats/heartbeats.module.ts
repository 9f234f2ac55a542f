import { Module } from '@nestjs/common';
import { HeartbeatsController } from './heartbeats.controller.js';
import { NodesController } from './nodes.controller.js';
import { NodesService } from './nodes.service.js';

@Module({
  controllers: [HeartbeatsController, NodesController],
  providers: [NodesService],
  exports: [NodesService],
})
export class HeartbeatsModule {}
