import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

// Below the ports that systems give to outgoing connections: a client that dials a port of that range while its
// server is down can be given that very port as its own, and is then connected to itself.
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Each of Jest's workers has ports of its own: what one gives up for a while no other takes. */
const WORKERS = 16;
const PORTS_OF_WORKER = Math.floor((HIGHEST - LOWEST) / WORKERS);
const LOWEST_OF_WORKER = LOWEST + (Number(process.env['JEST_WORKER_ID'] ?? 1) % WORKERS) * PORTS_OF_WORKER;

let asked = randomInt(PORTS_OF_WORKER);

/** A port on the loopback that nobody listened on just now, and of its range the one that was not asked for longest. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_OF_WORKER + (asked++ % PORTS_OF_WORKER);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
