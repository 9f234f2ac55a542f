import { Module } from '@nestjs/common';
import { HmEtcdModule } from 'nestjs-hmetcd';
import { AppController } from './app.controller.js';
import { AppService } from './app.service.js';

@Module({
  imports: [HmEtcdModule.forRoot('mem:')],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
