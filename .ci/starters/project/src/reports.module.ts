import { Controller, Module, Post } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { HmEtcdModule } from 'nestjs-hmetcd';
import { Reports } from './quick-start.js';

@Controller('reports')
export class ReportsController {
  constructor(private readonly reports: Reports) {}

  @Post()
  @MessagePattern('write-next')
  async writeNext(): Promise<number> {
    return this.reports.writeNext();
  }
}

/** The quick start's service on an etcd, to be called over HTTP and by messages. */
@Module({
  imports: [HmEtcdModule.forRoot(process.env.HMETCD_ENDPOINT!)],
  controllers: [ReportsController],
  providers: [Reports],
})
export class ReportsModule {}
