import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { KviOptions } from '../kvi/options.js';

/**
 * What one connection is: where its store is, and how to use it.
 *
 * @publicApi
 */
export interface HmEtcdConnectionOptions extends KviOptions {
  /**
   * `mem:` and `mem:NAME` for the embedded store; `http://host:2379` or `https://host:2379` for etcd, several as
   * an array or separated by commas.
   */
  readonly endpoint: string | readonly string[];

  /**
   * Announces this instance by a temporary key, from bootstrap until shutdown; `KviService.instances()` lists all.
   *
   * @default undefined no announcement
   */
  readonly instance?: InstanceOptions;
}

/**
 * How an instance announces itself.
 *
 * @publicApi
 */
export interface InstanceOptions {
  /** Put before the id to make the key, for instance `'instances/'`. Keep other keys out of it. */
  readonly prefix: string;

  /**
   * This instance's own name; two with one id overwrite each other.
   *
   * @default host, process id and six random digits: no two instances share it
   */
  readonly id?: string;
}

/**
 * A connection, and its place in the application.
 *
 * @publicApi
 */
export interface HmEtcdModuleOptions extends HmEtcdConnectionOptions {
  /**
   * Tells connections of one application apart: `@InjectKvi(name)`, and `connection` of the decorators.
   *
   * @default undefined the connection that `KviService` injects
   */
  readonly name?: string;

  /**
   * Whether every module sees the connection without importing the module.
   *
   * @default true
   */
  readonly isGlobal?: boolean;
}

/**
 * What `useFactory` and {@link HmEtcdOptionsFactory} answer. `name` and `isGlobal` stand beside the factory.
 *
 * @publicApi
 */
export type HmEtcdAsyncAnswer = string | readonly string[] | HmEtcdConnectionOptions;

/**
 * A class that answers the options: what `useClass` and `useExisting` take.
 *
 * @publicApi
 */
export interface HmEtcdOptionsFactory {
  /** Called once, before the connection is opened. */
  createHmEtcdOptions(): HmEtcdAsyncAnswer | Promise<HmEtcdAsyncAnswer>;
}

/**
 * Give exactly one of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export interface HmEtcdModuleAsyncOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<HmEtcdModuleOptions, 'name' | 'isGlobal'> {
  /** Answers the options; called with what `inject` names. */
  // oxlint-disable-next-line typescript/no-explicit-any -- unknown[] would refuse every factory that says what it takes
  readonly useFactory?: (...args: any[]) => HmEtcdAsyncAnswer | Promise<HmEtcdAsyncAnswer>;
  /** What Nest calls `useFactory` with. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  /** Nest makes an instance of this class for the module. */
  readonly useClass?: Type<HmEtcdOptionsFactory>;
  /** A provider of the `imports`, or a global one. */
  readonly useExisting?: InjectionToken<HmEtcdOptionsFactory>;
}
