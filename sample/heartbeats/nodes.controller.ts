import { Controller, Get } from '@nestjs/common';
import { type NodeView, toView } from './node.entry.js';
import { NodesService } from './nodes.service.js';

@Controller('nodes')
export class NodesController {
  constructor(private readonly nodes: NodesService) {}

  @Get()
  async list(): Promise<NodeView[]> {
    return (await this.nodes.list()).flatMap((entry) => toView(entry) ?? []);
  }
}
