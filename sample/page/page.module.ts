import { Module } from '@nestjs/common';
import { LimitsModule } from '../limits/limits.module.js';
import { PageController } from './page.controller.js';
import { PageService } from './page.service.js';

@Module({ imports: [LimitsModule], controllers: [PageController], providers: [PageService] })
export class PageModule {}
