import type { InjectionToken } from '@nestjs/common';
import { checkConnectionName } from './hmetcd-options.checks.js';
import { KviService } from './kvi.service.js';

/**
 * The token under which a connection is provided: the class {@link KviService} for the one without a name, a
 * token of its own for every other. For `overrideProvider()`, `app.get()` and `inject: []`.
 *
 * @param name as given to `HmEtcdModule.forRoot({ name })`
 * @throws InvalidArgumentError
 *
 * @publicApi
 */
export function getKviToken(name?: string): InjectionToken<KviService> {
  if (name === undefined) return KviService;
  checkConnectionName('name', name);
  return `nestjs-hmetcd connection '${name}'`;
}
