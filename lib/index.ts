/// <reference types="node" preserve="true" />
export { open } from './kvi/open.js';
export type {
  ChangesOptions,
  FencedWrites,
  HealthOptions,
  HeldLock,
  KeyRange,
  KeyValue,
  Kvi,
  KviHealth,
  KviHealthStatus,
  LiveView,
  LockInfo,
  LockOptions,
  LockPlace,
  SessionHealth,
  Snapshot,
  TransactionOperator,
  ViewListener,
  WatchCallback,
  WatchEnd,
  WatchHandle,
  WatchOptions,
  WithLockOptions,
} from './kvi/kvi.js';
export type { MemberHealth } from './store/store.js';
export type {
  CallMessage,
  CallOperation,
  LockHoldMessage,
  LockWaitMessage,
  SessionEndedMessage,
  SessionGrantedMessage,
  SessionLostMessage,
  SessionRenewedMessage,
  WatchResyncMessage,
} from './kvi/channel-messages.js';
export type {
  BatchMessage,
  WatchLagMessage,
  WatchLostMessage,
  WatchResumedMessage,
} from './store/channel-messages.js';
export type { KeySpan, StorePlace } from './store/store.js';
export type { AuthOptions, HmEtcdLogger, KviOptions, TlsOptions } from './kvi/options.js';
export {
  DELETE,
  KeyChangeOp,
  KVC_KEYCHANGE_DELETE,
  KVC_KEYCHANGE_INVAL,
  KVC_KEYCHANGE_PUT,
  PUT,
  type KeyChange,
} from './kvi/key-change.js';
export type { Owner } from './kvi/owner.js';
export { currentLock } from './kvi/lock-context.js';
export { LockLostError, LockTimeoutError } from './kvi/errors.js';
export {
  AuthenticationError,
  ClosedError,
  CompactedError,
  HmEtcdError,
  InvalidArgumentError,
  OutcomeUnknownError,
  PermissionDeniedError,
  RequestTimeoutError,
  RevisionOverflowError,
  StoreReplacedError,
  UnavailableError,
} from './store/errors.js';
export { HmEtcdModule } from './nest/hmetcd.module.js';
export type {
  HmEtcdAsyncAnswer,
  HmEtcdConnectionOptions,
  HmEtcdModuleAsyncOptions,
  HmEtcdModuleOptions,
  HmEtcdOptionsFactory,
  InstanceOptions,
} from './nest/hmetcd-options.interface.js';
export { KviService } from './nest/kvi.service.js';
export type { Instance } from './nest/instance.js';
export type { MemberListener, Membership } from './nest/membership.js';
export { getKviToken } from './nest/kvi.tokens.js';
export { InjectKvi } from './nest/inject-kvi.decorator.js';
export {
  DistLocked,
  type DistLockedOptions,
  type DistLockedTimeout,
  type LockedMethodDecorator,
  type LockNamer,
  type SkippableMethodDecorator,
} from './nest/dist-locked.decorator.js';
export { FromKey, type FromKeyOptions } from './nest/from-key.decorator.js';
export type { StandardSchema, ValueParser } from './nest/value-parser.js';
export type { LiveValue, ValueListener } from './nest/live-value.js';
export {
  OnKeyChange,
  type KeyChangeMethodDecorator,
  type OnKeyChangeOptions,
} from './nest/on-key-change.decorator.js';
export type { KeyChangeErrorHandler } from './nest/key-change.metadata-accessor.js';
export {
  OnDeposed,
  OnElected,
  type ElectionMethodDecorator,
  type ElectionOptions,
} from './nest/election.decorators.js';
export type { LeaderTerm } from './nest/leader-term.js';
