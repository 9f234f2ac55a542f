import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { type KeyChange, OnKeyChange } from 'nestjs-hmetcd';
import { Subject } from 'rxjs';
import { STATUS_PREFIX } from '../heartbeats/node.keys.js';
import { type Alert, toAlert } from './status.alert.js';

/** Every instance hears every change, so a client gets all alerts from whichever instance it asks. */
@Injectable()
export class AlertsService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(AlertsService.name);
  private readonly subject = new Subject<Alert>();

  readonly alerts = this.subject.asObservable();

  @OnKeyChange({ prefix: STATUS_PREFIX }, undefined, { prevValue: true })
  onStatusChange(change: KeyChange): void {
    const alert = toAlert(change);
    if (alert === undefined) return;
    this.logger.log(`${alert.node} ${alert.kind}`);
    this.subject.next(alert);
  }

  /**
   * An event stream never ends by itself. After this hook the server cuts what is still open, so the ends get
   * one turn of the event loop to be written: the clients see a stream that is over, not one that broke.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.subject.complete();
    await nextTurn();
  }
}
