import {
  DistLocked,
  type HeldLock,
  type KeyChange,
  type Kvi,
  KviService,
  OnKeyChange,
  open,
  PUT,
} from 'nestjs-hmetcd';

// Only compiled, in a folder where @types/node is not installed.
export async function lastTicket(): Promise<string | undefined> {
  const kvi: Kvi = await open('mem:tickets', { sessionTtlSec: 5 });
  const lock: HeldLock = await kvi.lock('ticket-lock', { timeoutSec: 1 });
  try {
    const signal: AbortSignal = lock.signal;
    await kvi.watchWithCB('last-ticket', PUT, (_key, value, op) => op === PUT && value !== '0');
    for await (const change of kvi.changes('last-ticket', { signal })) return change.value;
    return undefined;
  } finally {
    await lock.release();
    await kvi.close();
  }
}

export class Tickets {
  constructor(private readonly kvi: KviService) {}

  @DistLocked(1, { name: 'ticket-lock' })
  async take(): Promise<void> {
    await this.kvi.tas('last-ticket', '0', '1');
  }

  @OnKeyChange({ prefix: 'last-' }, PUT, { initial: true })
  taken(change: KeyChange): string | undefined {
    return change.value;
  }
}
