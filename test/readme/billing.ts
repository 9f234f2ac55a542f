import { Injectable, Module } from '@nestjs/common';
import { currentLock, DistLocked, HmEtcdModule, type KeyChange, OnKeyChange, PUT } from 'nestjs-hmetcd';

@Injectable()
export class Billing {
  currency = 'EUR';

  /** Bills one customer after the other, on one replica at a time. */
  @DistLocked(30, { name: 'billing' })
  async billAll(customers: string[], bill: (customer: string) => Promise<void>): Promise<void> {
    const lock = currentLock()!;
    for (const customer of customers) {
      lock.assertHeld();
      await bill(customer);
    }
  }

  @OnKeyChange('config/currency', PUT, { initial: true })
  currencyChanged(change: KeyChange): void {
    this.currency = change.value!;
  }
}

@Module({
  imports: [HmEtcdModule.forRoot('http://etcd:2379')],
  providers: [Billing],
})
export class AppModule {}
