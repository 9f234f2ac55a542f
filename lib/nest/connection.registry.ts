import type { ModulesContainer } from '@nestjs/core';
import type { Kvi } from '../kvi/kvi.js';

/** What an application has opened while it starts, so that a start that fails leaves nothing open behind it. */
class OpenConnections {
  private readonly starting = new Map<string | undefined, Kvi>();
  private readonly started = new Set<string | undefined>();
  private readonly atStart: (() => void)[] = [];
  private state: 'starting' | 'started' | 'abandoned' = 'starting';

  /** Nest builds providers side by side: one connection may come up after another made the start fail. */
  async add(name: string | undefined, kvi: Kvi): Promise<void> {
    this.starting.set(name, kvi);
    if (this.state === 'abandoned') await kvi.close();
  }

  /**
   * Told by each connection. With the last one the start is over, and what a lazy module fails at concerns none of them.
   *
   * @param begin what the connection does from then on; not called when the start fails
   */
  hasStarted(name: string | undefined, begin: () => void): void {
    this.started.add(name);
    this.atStart.push(begin);
    if (![...this.starting.keys()].every((opened) => this.started.has(opened))) return;
    this.state = 'started';
    this.starting.clear();
    for (const step of this.atStart.splice(0)) step();
  }

  async abandon(): Promise<void> {
    if (this.state === 'started') return;
    this.state = 'abandoned';
    await Promise.allSettled([...this.starting.values()].map((kvi) => kvi.close()));
  }
}

const applications = new WeakMap<ModulesContainer, OpenConnections>();

/** The connections of the application that these modules are. */
export function connectionsOf(modules: ModulesContainer): OpenConnections {
  let connections = applications.get(modules);
  if (connections === undefined) {
    connections = new OpenConnections();
    applications.set(modules, connections);
  }
  return connections;
}

/** Does a step of the start. If it fails, all that the start has opened is closed before the error goes on. */
export async function orAbandon<T>(modules: ModulesContainer, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    await connectionsOf(modules).abandon();
    throw error;
  }
}
