/** `connection 'billing'`, or the one that has no name. */
export const connectionTitle = (name: string | undefined): string =>
  name === undefined ? 'the unnamed connection' : `connection '${name}'`;

const forRootOf = (name: string | undefined): string =>
  name === undefined
    ? 'HmEtcdModule.forRoot(endpoint)'
    : `HmEtcdModule.forRoot({ name: '${name}', endpoint })`;

export const ONE_FACTORY =
  'options.useFactory, options.useClass or options.useExisting must be given, and only one of them. Nothing was sent.';

export const NO_OPTIONS_FACTORY =
  'options.useClass or options.useExisting must name what has the method createHmEtcdOptions(). Nothing was sent.';

export const DUPLICATE_CONNECTION = (name: string | undefined): string =>
  `${capitalised(connectionTitle(name))} is defined by two HmEtcdModule.forRoot() or forRootAsync() calls in one application. ` +
  'Give one of them a `name` of its own, or import one and the same module object in both places.';

export const SERVICE_NOT_PROVIDED =
  'KviService is made by HmEtcdModule: import HmEtcdModule.forRoot(endpoint), and do not list the class among providers.';

export const NO_INSTANCE_OPTION = (name: string | undefined): string =>
  `options.instance must be given to the module of ${connectionTitle(name)} for instances() and membership() to know where they are, ` +
  "for example instance: { prefix: 'instances/' }. Nothing was sent.";

const DECORATORS = '@DistLocked, @OnKeyChange, @OnElected or @OnDeposed';

/** The description of the hidden property that carries a connection; Nest shows it when it cannot be injected. */
export const CONNECTION_PROPERTY = (name: string | undefined): string =>
  `HmEtcd ${connectionTitle(name)}, which ${DECORATORS} needs: import ${forRootOf(name)}`;

export const UNKNOWN_CONNECTION = (className: string, name: string | undefined): string =>
  `${className} has methods with ${DECORATORS} on ${connectionTitle(name)}, ` +
  `but no module defines it: import ${forRootOf(name)}.`;

export const NO_CONNECTION = (method: string, name: string | undefined): string =>
  `${method} is @DistLocked, but its object was not given ${connectionTitle(name)}: only objects that Nest made or ` +
  'that are providers have one, from onModuleInit on. Inject the object instead of calling `new`, ' +
  `import ${forRootOf(name)}, or use kvi.withLock(). The method was not called.`;

export const NOT_DECORATED = (decorator: string, place: string): string =>
  `${decorator} stands where it cannot work: put it on ${place} of a class, with experimentalDecorators in tsconfig.json.`;

export const NOT_A_METHOD = (decorator: string, member: string, kind: string): string =>
  `${decorator} needs an instance method, but ${member} is ${kind}.`;

export const LAZY_RESULT = (method: string, kind: string): string =>
  `${method} is @DistLocked, but its result is ${kind}, which goes on after the lock is given back. ` +
  'Return a promise of the finished result.';

export const SKIPPED = (method: string, lockName: string): string =>
  `skipped ${method}: the lock '${lockName}' was not had in time`;

export const LOSS_IGNORED = (method: string, lockName: string): string =>
  `${method} finished after its lock '${lockName}' was lost; ignored, as onLost says`;

export const SHARED_DEFAULT_LOCK = (lockName: string, methods: readonly string[]): string =>
  `${methods.join(', ')} share the default lock '${lockName}': while one runs the others wait. ` +
  'Give each a lock of its own by @DistLocked(timeoutSec, { name }).';

export const REQUEST_SCOPED_HANDLER = (method: string, decorator: string): string =>
  `${method} is marked with ${decorator}, but its class is request-scoped, or transient and used by nobody: there is no ` +
  'object to call. Move the handler to a class of the default scope.';

export const HANDLER_THREW = (method: string, error: string): string =>
  `${method} (@OnKeyChange) threw ${error}; it goes on with the next change`;

export const ON_ERROR_THREW = (method: string, error: string): string =>
  `the onError of ${method} (@OnKeyChange) threw ${error}; it goes on with the next change`;

export const CHANGES_MISSED = (method: string): string =>
  `${method} (@OnKeyChange) missed changes: the store compacted them away before they were read. It goes on from now; ` +
  'with { initial: true } it would be called for every difference.';

export const CHANGES_RESYNCED = (method: string): string =>
  `${method} (@OnKeyChange) fell behind a compaction and is brought up to date from a snapshot`;

export const CHANGES_FAILED = (method: string, error: string, mayMiss: boolean): string =>
  `the changes for ${method} (@OnKeyChange) ended with ${error}; trying again` +
  (mayMiss ? ', and those made meanwhile are missed' : '');

export const HANDLERS_SKIPPED = (methods: readonly string[]): string =>
  `skipped ${methods.join(', ')} (@OnKeyChange): the connection cannot watch, it is probably a mock`;

/** The description of the token that a value is injected by; Nest shows it when there is no provider for it. */
export const LIVE_VALUE = (key: string, name: string | undefined): string =>
  `HmEtcd ${connectionTitle(name)}, which @FromKey('${key}') needs: import ${forRootOf(name)}; ` +
  'a lazily loaded module cannot have it';

export const UNKNOWN_VALUE = (owner: string, key: string, name: string | undefined): string =>
  `${owner} wants a value, but no module defines its connection: ${LIVE_VALUE(key, name)}.`;

export const NOT_INJECTED = (decorator: string, member: string, kind: string): string =>
  `${decorator} needs a constructor parameter or an instance property, but ${member} is ${kind}.`;

const cannotTake = (key: string, owner: string, problem: string): string =>
  `'${key}' has a value that ${owner} (@FromKey) cannot take: ${problem}`;

export const NO_VALUE = (key: string, owner: string, problem: string | undefined): string =>
  (problem === undefined
    ? `'${key}', which ${owner} needs (@FromKey), is not in the store`
    : cannotTake(key, owner, problem)) + ', and there is no default. Store a value, or give a default.';

export const DEFAULT_USED = (key: string, owner: string, problem: string): string =>
  `${cannotTake(key, owner, problem)}; the default is used`;

export const VALUE_REFUSED = (key: string, owner: string, problem: string): string =>
  `${cannotTake(key, owner, problem)}; the value before is kept`;

export const KEY_DELETED = (key: string, owner: string): string =>
  `'${key}', which ${owner} needs (@FromKey), was deleted, and there is no default; the value before is kept`;

export const VALUE_LISTENER_THREW = (key: string, error: string): string =>
  `an onChange listener of '${key}' (@FromKey) threw ${error}`;

export const NO_JSON = 'it is no JSON, which a schema is for; give a function as parse to read another form';

export const ASYNC_PARSE = 'parse answered a promise, but must answer at once';

const ISSUES_SHOWN = 10;

/** @param paths of the parts that are wrong; `''` for the whole */
export const ISSUES = (paths: readonly string[]): string => {
  const shown = [...new Set(paths)].slice(0, ISSUES_SHOWN).map((path) => path || 'the whole of it');
  return `the schema refused ${shown.join(', ')}${paths.length > ISSUES_SHOWN ? ' and more' : ''}`;
};

export const MARKER_SKIPPED =
  'skipped the instance marker: the connection has no temporary keys, it is probably a mock';

export const MEMBER_LISTENER_THREW = (prefix: string, error: string): string =>
  `a listener of the membership of '${prefix}' threw ${error}`;

export const SLOW_HANDLERS = (methods: readonly string[], waitedMs: number): string =>
  `shutdown goes on without ${methods.join(', ')} (@OnKeyChange), which did not finish within ${waitedMs} ms`;

export const ELECTED = (name: string, fencingToken: number): string =>
  `elected leader '${name}', with the fencing token ${fencingToken}`;

export const LEADERSHIP_GIVEN_UP = (name: string): string =>
  `The application shuts down and gives up its part in the election '${name}'.`;

export const ELECTION_HANDLER_THREW = (method: string, error: string): string =>
  `${method} threw ${error}; the term goes on`;

export const SLOW_TERM = (name: string, methods: readonly string[], waitedMs: number): string =>
  `the term as leader '${name}' is over since ${waitedMs} ms, but these still run: ${methods.join(', ')}. Until they end, this ` +
  "instance does not stand for election again, nor give the lock back. End on the term's signal.";

export const ELECTION_FAILED = (name: string, error: string): string =>
  `standing for the election '${name}' failed with ${error}; trying again until the store takes it`;

export const NOBODY_TO_ELECT = (method: string, name: string): string =>
  `${method} is never called: no method is marked with @OnElected('${name}') on the same connection, so that this ` +
  'application does not stand for that election';

export const ELECTIONS_SKIPPED = (names: readonly string[]): string =>
  `skipped the elections ${names.map((name) => `'${name}'`).join(', ')}: the connection takes no locks, it is probably a mock`;

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
