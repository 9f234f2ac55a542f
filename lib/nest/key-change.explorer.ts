import { Inject, Injectable } from '@nestjs/common';
import type { KeyChange } from '../kvi/key-change.js';
import { InvalidArgumentError } from '../store/errors.js';
import type { Connection } from './connection.settings.js';
import { HMETCD_CONNECTION } from './hmetcd.constants.js';
import { REQUEST_SCOPED_HANDLER } from './hmetcd.messages.js';
import { KeyChangeMetadataAccessor, type KeyChangeMetadata } from './key-change.metadata-accessor.js';
import { KeyChangeOrchestrator } from './key-change.orchestrator.js';
import { ProviderScanner, type Found } from './provider.scanner.js';

/** Finds the `@OnKeyChange` methods of its connection. */
@Injectable()
export class KeyChangeExplorer {
  constructor(
    private readonly scanner: ProviderScanner,
    private readonly metadata: KeyChangeMetadataAccessor,
    private readonly orchestrator: KeyChangeOrchestrator,
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

  private addHandler({ className, instance }: Found, method: string, mark: KeyChangeMetadata): void {
    if (mark.connection !== this.connection.settings.name) return;
    const name = `${className}.${method}`;
    if (instance === undefined) throw new InvalidArgumentError(REQUEST_SCOPED_HANDLER(name, '@OnKeyChange'));
    // Looked up at each call, so that a spy put there later is called too.
    const methods = instance as Record<string, (change: KeyChange) => unknown>;
    this.orchestrator.add({
      name,
      mark,
      call: (change) => methods[method]!(change),
      failed: (error, change) => mark.onError?.call(instance, error, change),
    });
  }
}
