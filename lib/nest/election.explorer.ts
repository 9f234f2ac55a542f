import { Inject, Injectable } from '@nestjs/common';
import { InvalidArgumentError } from '../store/errors.js';
import type { Connection } from './connection.settings.js';
import { ElectionMetadataAccessor, type ElectionMetadata } from './election.metadata-accessor.js';
import { ElectionOrchestrator } from './election.orchestrator.js';
import { HMETCD_CONNECTION } from './hmetcd.constants.js';
import { REQUEST_SCOPED_HANDLER } from './hmetcd.messages.js';
import type { LeaderTerm } from './leader-term.js';
import { ProviderScanner, type Found } from './provider.scanner.js';

/** Finds the `@OnElected` and `@OnDeposed` methods of its connection. */
@Injectable()
export class ElectionExplorer {
  constructor(
    private readonly scanner: ProviderScanner,
    private readonly metadata: ElectionMetadataAccessor,
    private readonly orchestrator: ElectionOrchestrator,
    @Inject(HMETCD_CONNECTION) private readonly connection: Connection,
  ) {}

  /** @throws InvalidArgumentError for a handler in a class that has no lasting object */
  explore(): void {
    for (const found of this.scanner.findAll()) {
      for (const { name, method } of this.scanner.methodsOf(found)) {
        for (const mark of this.metadata.marksOf(method)) this.addHandler(found, name, mark);
      }
    }
  }

  private addHandler({ className, instance }: Found, method: string, mark: ElectionMetadata): void {
    if (mark.connection !== this.connection.settings.name) return;
    const name = `${className}.${method}`;
    if (instance === undefined) throw new InvalidArgumentError(REQUEST_SCOPED_HANDLER(name, mark.decorator));
    // Looked up at each call, so that a spy put there later is called too.
    const methods = instance as Record<string, (term: LeaderTerm) => unknown>;
    this.orchestrator.add({
      name: `${name} (${mark.decorator})`,
      mark,
      call: (term) => methods[method]!(term),
    });
  }
}
