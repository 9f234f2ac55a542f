import { checkLockName, readFields } from '../kvi/validate.js';
import { injectConnection } from './connection.property.js';
import { decorating, handlerOf } from './decorated-method.js';
import { addElectionMetadata, type ElectionDecorator } from './election.metadata-accessor.js';
import { checkConnectionName } from './hmetcd-options.checks.js';
import type { LeaderTerm } from './leader-term.js';

/**
 * Where an election is held.
 *
 * @publicApi
 */
export interface ElectionOptions {
  /**
   * The name of the connection whose store decides.
   *
   * @default undefined the connection without a name
   */
  readonly connection?: string;
}

/**
 * Takes methods with at most one parameter, the term.
 *
 * @publicApi
 */
export type ElectionMethodDecorator = <Handler extends (term: LeaderTerm) => unknown>(
  target: object,
  key: string,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void;

/**
 * Calls the method when this instance becomes the leader: the one among all applications that have an `@OnElected`
 * of this name on one store. The application stands for election from bootstrap until shutdown, by waiting for the
 * lock of this name: programs that take that lock, in whatever language, take part.
 *
 * The method may return at once or work for as long as the term lasts, and should end when `term.signal` aborts. This
 * instance leads until the lock is lost or the application shuts down, also after the method returned or threw: what
 * it throws is logged. The next term of this instance begins when all methods of the last one have ended; those that
 * take longer than `shutdownTimeoutMs` are named in a warning. At a shutdown the lock is given back when they have
 * ended, and otherwise left to its lease.
 *
 * All `@OnElected` methods of a name are called at once, none waits for another. What a leader that was stopped or
 * cut off may still do is what the holder of a lock may do: `term.assertHeld()`, `term.kv` and `term.fencingToken`
 * are as those of `HeldLock`.
 *
 * For methods of providers, controllers, guards, interceptors and alike, once for each object; may be put on one
 * method several times. A request-scoped class is refused at the start. In lazy-loaded modules nothing is called: use
 * `kvi.withLock()` there.
 *
 * @param name the election, and the lock; must not be a prefix of data keys
 * @throws InvalidArgumentError for a wrong argument, a static or symbol-named method, a property, an accessor, a generator
 *
 * @publicApi
 */
export function OnElected(name: string, options: ElectionOptions = {}): ElectionMethodDecorator {
  return electionDecorator('@OnElected', name, options);
}

/**
 * Calls the method when a term of this instance as leader is over: as soon as its loss is known, or when the
 * application shuts down; `term.signal.reason` says which. `@OnElected` methods of the term may still be running.
 *
 * All `@OnDeposed` methods of a name are called at once, and are awaited before this instance stands again, and at a
 * shutdown before the lock is given back. Without an `@OnElected` of the same name in the application nothing is
 * called, and a warning says so.
 *
 * @param name as given to {@link OnElected}, whose rules hold here too
 * @throws InvalidArgumentError as {@link OnElected}
 *
 * @publicApi
 */
export function OnDeposed(name: string, options: ElectionOptions = {}): ElectionMethodDecorator {
  return electionDecorator('@OnDeposed', name, options);
}

function electionDecorator(
  decorator: ElectionDecorator,
  name: string,
  options: ElectionOptions,
): ElectionMethodDecorator {
  checkLockName('name', name);
  const { connection } = readFields<ElectionOptions>('options', options, { connection: checkConnectionName });
  return (target, key, descriptor) =>
    decorating(decorator, 'a method', () => {
      const method = handlerOf(decorator, { target, key, descriptor });
      addElectionMetadata(method, { decorator, name, connection });
      injectConnection(target, connection);
    });
}
