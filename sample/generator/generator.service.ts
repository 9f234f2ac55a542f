import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { isSilent } from './silence.plan.js';

const BEAT_EVERY_MS = 1000;

/**
 * Plays nodes by real HTTP calls: what a node does in earnest, through routing and validation, so that a
 * tracker that refuses its nodes is noticed here first.
 */
@Injectable()
export class GeneratorService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(GeneratorService.name);
  private readonly stop = new AbortController();
  private run: Promise<void> | undefined;

  start(url: string, count: number): void {
    if (count === 0) return;
    this.logger.log(`Playing ${count} node(s), one report each per ${BEAT_EVERY_MS} ms`);
    this.run = this.play(url, nodeNames(count));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.run;
  }

  private async play(url: string, nodes: readonly string[]): Promise<void> {
    for (let beat = 0; !this.stop.signal.aborted; beat++) {
      await Promise.all(nodes.map((node, index) => this.playNode(url, node, index, beat)));
      await sleep(BEAT_EVERY_MS, undefined, { signal: this.stop.signal }).catch(ignoreAbort);
    }
  }

  private async playNode(url: string, node: string, index: number, beat: number): Promise<void> {
    if (!isSilent(index, beat)) return this.report(url, node);
    if (beat > 0 && !isSilent(index, beat - 1)) this.logger.log(`${node} falls silent`);
  }

  private async report(url: string, node: string): Promise<void> {
    try {
      const response = await fetch(`${url}/heartbeats/${node}`, { method: 'POST', signal: this.stop.signal });
      if (!response.ok)
        this.logger.warn(`${node} reported and got ${response.status}: ${await response.text()}`);
    } catch (error) {
      // A node that gets no answer reports again at its next beat; so does this one.
      if (!this.stop.signal.aborted) this.logger.warn(`${node} could not report: ${String(error)}`);
    }
  }
}

/** A cabinet of its own for each generator: two on one store would otherwise speak for each other's silent nodes. */
function nodeNames(count: number): string[] {
  const cabinet = randomInt(10_000);
  return Array.from(
    { length: count },
    (_, i) => `x${cabinet}c${Math.floor(i / 100) % 8}s${i % 100}b0n${Math.floor(i / 800)}`,
  );
}

function ignoreAbort(): void {}
