import type { DELETE, KeyChange, PUT } from '../kvi/key-change.js';
import type { KeyRange } from '../kvi/kvi.js';
import {
  checkBoolean,
  checkChangeOp,
  checkFunction,
  readFields,
  readRange,
  refuseInverted,
} from '../kvi/validate.js';
import { injectConnection } from './connection.property.js';
import { decorating, handlerOf } from './decorated-method.js';
import { checkConnectionName } from './hmetcd-options.checks.js';
import {
  addKeyChangeMetadata,
  type KeyChangeErrorHandler,
  type KeyChangeMetadata,
} from './key-change.metadata-accessor.js';

/**
 * Which changes a handler is called with, and what becomes of what it throws.
 *
 * @publicApi
 */
export interface OnKeyChangeOptions {
  /**
   * First call the handler with a PUT for each key that exists; the application starts when that is done. After a
   * compaction the handler is then called for every difference.
   *
   * @default false
   */
  readonly initial?: boolean;

  /**
   * Fill `change.prevValue`. The first pass has none.
   *
   * @default false
   */
  readonly prevValue?: boolean;

  /**
   * Called with what the handler threw, after the log line, on the handler's object (as a `function`, with `this`). It
   * is awaited before the next change; what it throws itself is logged.
   *
   * @default undefined the log line alone
   */
  readonly onError?: KeyChangeErrorHandler;

  /**
   * The name of the connection whose keys these are.
   *
   * @default undefined the connection without a name
   */
  readonly connection?: string;
}

/**
 * Takes methods with at most one parameter, the change.
 *
 * @publicApi
 */
export type KeyChangeMethodDecorator<Op extends PUT | DELETE = PUT | DELETE> = <
  Handler extends (change: Extract<KeyChange, { op: Op }>) => unknown,
>(
  target: object,
  key: string,
  descriptor: TypedPropertyDescriptor<Handler>,
) => void;

/**
 * Calls the method with every change of a key, a prefix or a range, from bootstrap until shutdown: one at a time, in
 * order of revision, awaiting what it returns. One that throws is logged, and told to `onError`; the next change comes all the same.
 * Neither a deletion nor the returned value ends it.
 *
 * For methods of providers, controllers, guards, interceptors and alike, once for each object; may be put on one
 * method several times. A request-scoped class is refused at the start. In lazy-loaded modules nothing is called:
 * use `kvi.watchWithCB()` or `kvi.changes()` there.
 *
 * @param keyOrRange a string is exactly that key
 * @param op left out: both PUT and DELETE
 * @throws InvalidArgumentError for a wrong argument, a static or symbol-named method, a property, an accessor, a generator
 *
 * @publicApi
 */
export function OnKeyChange<Op extends PUT | DELETE = PUT | DELETE>(
  keyOrRange: KeyRange,
  op?: Op,
  options: OnKeyChangeOptions = {},
): KeyChangeMethodDecorator<Op> {
  const metadata = readArguments(keyOrRange, op, options);
  return (target, key, descriptor) =>
    decorating('@OnKeyChange', 'a method', () => {
      const method = handlerOf('@OnKeyChange', { target, key, descriptor });
      addKeyChangeMetadata(method, metadata);
      injectConnection(target, metadata.connection);
    });
}

function readArguments(
  keyOrRange: KeyRange,
  op: PUT | DELETE | undefined,
  options: OnKeyChangeOptions,
): KeyChangeMetadata {
  const range = readRange('keyOrRange', keyOrRange);
  refuseInverted('keyOrRange', range);
  if (op !== undefined) checkChangeOp('op', op);
  const given = readFields<OnKeyChangeOptions>('options', options, {
    initial: checkBoolean,
    prevValue: checkBoolean,
    onError: checkFunction,
    connection: checkConnectionName,
  });
  const { initial = false, prevValue = false, onError, connection } = given;
  return { range, op, initial, prevValue, onError, connection };
}
