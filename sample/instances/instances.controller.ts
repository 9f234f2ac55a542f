import { Controller, Get } from '@nestjs/common';
import { type Instance, KviService } from 'nestjs-hmetcd';

@Controller('instances')
export class InstancesController {
  constructor(private readonly kvi: KviService) {}

  @Get()
  list(): Promise<Instance[]> {
    return this.kvi.instances();
  }
}
