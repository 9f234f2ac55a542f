import { Inject } from '@nestjs/common';
import { decorating } from './decorated-method.js';
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
  const inject = Inject(getKviToken(name));
  return (target: object, property: string | symbol | undefined, place?: number) =>
    decorating('@InjectKvi', 'a constructor parameter or a property', () =>
      inject(target, property, place as number),
    );
}
