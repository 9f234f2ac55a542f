import { Injectable } from '@nestjs/common';
import { currentLock, DistLocked, KviService } from 'nestjs-hmetcd';

@Injectable()
export class Counter {
  constructor(private readonly kvi: KviService) {}

  /** Under the lock of the Go programs: no `name`, so it is the connection's `lockName`. */
  @DistLocked(30)
  async nextNumber(): Promise<number> {
    const next = Number((await this.kvi.get('counter')) ?? 0) + 1;
    await currentLock()!.kv.store('counter', String(next)); // refused by the store once the lock is lost
    return next;
  }
}
