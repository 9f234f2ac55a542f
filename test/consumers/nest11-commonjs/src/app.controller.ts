import { Controller, Post } from '@nestjs/common';
import { AppService } from './app.service';

@Controller('tickets')
export class AppController {
  constructor(private readonly appService: AppService) {}

  @Post()
  async takeTicket(): Promise<{ ticket: number }> {
    return { ticket: await this.appService.takeTicket() };
  }
}
