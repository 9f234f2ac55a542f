/*
 * Feature flags: one key for each, in all replicas at once.
 *
 *   etcdctl put flags/new-checkout '{"on": true, "percent": 20, "users": ["alice"]}'
 *   etcdctl del flags/new-checkout
 *
 * - `isOn` asks nobody: `observe` keeps all flags in memory, and is true again by itself after an outage or a restored backup.
 * - A flag that does not exist is off. One that is no good is logged, and stays what it was.
 * - `percent` is of the users, not of the calls: a user who has the feature keeps it, on every replica, and when the number
 *   grows. Each flag has other users among its first.
 * - Replicas learn of a change within milliseconds of each other, not at the same instant. What must be decided once for
 *   the whole fleet is no flag but a key that is written by `tas`.
 */
import { createHash } from 'node:crypto';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { KviService } from 'nestjs-hmetcd';
import { z } from 'zod';

const PREFIX = 'flags/';

export const Flag = z.object({
  on: z.boolean(),
  /** Of the users, while it is on. */
  percent: z.number().min(0).max(100).default(100),
  /** Who has it in any case, while it is on. */
  users: z.array(z.string()).default([]),
});
export type Flag = z.infer<typeof Flag>;

@Injectable()
export class FeatureFlags implements OnModuleInit {
  private readonly logger = new Logger(FeatureFlags.name);
  private readonly flags = new Map<string, Flag>();

  constructor(private readonly kvi: KviService) {}

  /** The application starts with the flags of now. The view ends with the connection. */
  async onModuleInit(): Promise<void> {
    const view = await this.kvi.observe({ prefix: PREFIX });
    view.onChange(({ key, value }) => this.read(key.slice(PREFIX.length), value));
    for (const [key, value] of view) this.read(key.slice(PREFIX.length), value);
  }

  /** @param user left out: only a flag that is on for everybody is on */
  isOn(name: string, user?: string): boolean {
    const flag = this.flags.get(name);
    if (flag === undefined || !flag.on) return false;
    if (user === undefined) return flag.percent === 100;
    return flag.users.includes(user) || placeOf(name, user) < flag.percent;
  }

  /** Writes what this class can read; everybody has it when it comes back from the store. */
  async set(name: string, flag: z.input<typeof Flag>): Promise<void> {
    await this.kvi.store(PREFIX + name, JSON.stringify(Flag.parse(flag)));
  }

  private read(name: string, text: string | undefined): void {
    if (text === undefined) {
      this.flags.delete(name);
      return;
    }
    try {
      this.flags.set(name, Flag.parse(JSON.parse(text)));
    } catch {
      this.logger.error(`The flag ${name} is no good and stays what it was.`);
    }
  }
}

/** Where a user stands in line for a flag, from 0 to 100. */
function placeOf(name: string, user: string): number {
  const hash = createHash('sha256').update(`${name}\0${user}`).digest();
  return (hash.readUInt32BE() / 2 ** 32) * 100;
}
