import { Controller, HttpCode, HttpStatus, Param, Post } from '@nestjs/common';
import { NodeParams } from './node.params.js';
import { NodesService } from './nodes.service.js';

@Controller('heartbeats')
export class HeartbeatsController {
  constructor(private readonly nodes: NodesService) {}

  @Post(':node')
  @HttpCode(HttpStatus.NO_CONTENT)
  beat(@Param() { node }: NodeParams): Promise<void> {
    return this.nodes.beat(node);
  }
}
