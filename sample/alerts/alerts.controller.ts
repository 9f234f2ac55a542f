import { Controller, type MessageEvent, Sse } from '@nestjs/common';
import { map, type Observable } from 'rxjs';
import { AlertsService } from './alerts.service.js';

@Controller('alerts')
export class AlertsController {
  constructor(private readonly service: AlertsService) {}

  @Sse()
  follow(): Observable<MessageEvent> {
    return this.service.alerts.pipe(map((alert) => ({ id: String(alert.id), data: alert })));
  }
}
