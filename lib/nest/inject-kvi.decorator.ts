import { Inject } from '@nestjs/common';
import { getKviToken } from './kvi.tokens.js';

/**
 * Injects a connection as `KviService`. Without a name it is what the class as a parameter's type injects too.
 *
 * @param name as given to `HmEtcdModule.forRoot({ name })`
 * @throws InvalidArgumentError
 *
 * @publicApi
 */
export function InjectKvi(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getKviToken(name));
}
