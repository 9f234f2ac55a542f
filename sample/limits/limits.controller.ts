import { Body, Controller, Get, Put } from '@nestjs/common';
import { Limits } from './limits.dto.js';
import { LimitsService } from './limits.service.js';

@Controller('limits')
export class LimitsController {
  constructor(private readonly service: LimitsService) {}

  @Get()
  current(): Limits {
    return this.service.current;
  }

  @Put()
  replace(@Body() limits: Limits): Promise<Limits> {
    return this.service.replace(limits);
  }
}
