import { Injectable, Module } from '@nestjs/common';
import {
  currentLock,
  DistLocked,
  HmEtcdModule,
  type KeyChange,
  KviService,
  OnKeyChange,
  PUT,
} from 'nestjs-hmetcd';

@Injectable()
export class Reports {
  rowsPerReport = 100;

  constructor(private readonly kvi: KviService) {}

  /** Runs on one replica at a time; a call waits up to 30 seconds for its turn. */
  @DistLocked(30, { name: 'reports' })
  async writeNext(): Promise<number> {
    const lock = currentLock()!;
    const written = Number((await this.kvi.get('reports/written')) ?? 0);
    await lock.kv.store('reports/written', String(written + 1)); // only while the lock is held: the store decides
    return written + 1;
  }

  /** Called with the present value first, and then with every change, on every replica. */
  @OnKeyChange('config/rows-per-report', PUT, { initial: true })
  rowsPerReportChanged(change: KeyChange): void {
    this.rowsPerReport = Number(change.value);
  }
}

@Module({
  imports: [HmEtcdModule.forRoot('mem:')],
  providers: [Reports],
})
export class AppModule {}
