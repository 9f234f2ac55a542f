import { Injectable } from '@nestjs/common';
import { MetadataScanner, ModulesContainer, type DiscoveryService } from '@nestjs/core';

type InstanceWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** A class in use: with one of its objects, or without where objects come and go with requests. */
export interface Found {
  readonly className: string;
  readonly prototype: object;
  readonly instance: object | undefined;
}

/** Looks through everything that Nest has built: providers, controllers, injectables (guards and alike), middleware. */
@Injectable()
export class ProviderScanner {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly methods: MetadataScanner,
  ) {}

  /** Each object once, whatever names it goes by; each class without a lasting object once. */
  findAll(): Found[] {
    const byIdentity = new Map<object, Found>();
    for (const found of this.wrappers().flatMap(foundIn)) {
      const identity = found.instance ?? found.prototype;
      if (!byIdentity.has(identity)) byIdentity.set(identity, found);
    }
    return [...byIdentity.values()];
  }

  /** The methods of a class and its parents, by name. */
  methodsOf({ prototype }: Found): { name: string; method: object }[] {
    return this.methods
      .getAllMethodNames(prototype)
      .map((name) => ({ name, method: (prototype as Record<string, object>)[name]! }));
  }

  private wrappers(): InstanceWrapper[] {
    return [...this.modules.values()].flatMap(({ providers, controllers, injectables, middlewares }) =>
      [providers, controllers, injectables, middlewares].flatMap((collection) => [...collection.values()]),
    );
  }
}

function foundIn(wrapper: InstanceWrapper): Found[] {
  const instances = lastingInstances(wrapper).filter(isScannable);
  if (instances.length > 0) return instances.map(describe);
  const prototype: unknown = hasLastingInstance(wrapper) ? undefined : wrapper.metatype?.prototype;
  return isScannable(prototype)
    ? [{ className: wrapper.metatype!.name, prototype, instance: undefined }]
    : [];
}

/** A transient provider has an object for each that uses it; the wrapper's own is an empty shell. */
function lastingInstances(wrapper: InstanceWrapper): unknown[] {
  if (!wrapper.isDependencyTreeStatic()) return [];
  if (!wrapper.isTransient) return [wrapper.instance];
  return wrapper.getStaticTransientInstances().map((host) => host?.instance as unknown);
}

function hasLastingInstance(wrapper: InstanceWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

function describe(instance: object): Found {
  const prototype = Object.getPrototypeOf(instance) as object;
  return { className: prototype.constructor?.name ?? 'Object', prototype, instance };
}

/** A value without a prototype, or that is no object, has no decorated methods. */
function isScannable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null;
}
