import { Inject } from '@nestjs/common';
import { CONNECTION_PROPERTY } from './hmetcd.messages.js';
import type { KviService } from './kvi.service.js';
import { getKviToken } from './kvi.tokens.js';

/** One for each connection name, so that a class, its parent and its many methods are injected once. */
const propertyKeys = new Map<string | undefined, symbol>();

/** Objects that got their connection from {@link giveConnection}, and not from Nest. */
const givenHere = new WeakSet<object>();

/**
 * Makes Nest inject a connection into each object of a class, through a property that nothing else can name. Its
 * description is what Nest shows when the connection does not exist.
 */
export function injectConnection(prototype: object, name: string | undefined): void {
  const property = propertyOf(name);
  if (property in prototype) return;
  defineHiddenProperty(prototype, property);
  Inject(getKviToken(name))(prototype, property);
}

/** The connection of an object, undefined as long as nobody gave it one. */
export function connectionOf(instance: unknown, name: string | undefined): KviService | undefined {
  return (instance as Record<symbol, KviService> | undefined)?.[propertyOf(name)];
}

/** Gives an object that Nest did not construct its connection, where it wants this one. */
export function giveConnection(instance: object, name: string | undefined, kvi: KviService): void {
  const property = propertyOf(name);
  if (!(property in instance)) return;
  // The same value may be a provider of several applications, one after the other.
  if (Object.hasOwn(instance, property) && !givenHere.has(instance)) return;
  Reflect.set(instance, property, kvi);
  givenHere.add(instance);
}

/** The names of the connections that the objects of a class want. */
export function connectionsWantedBy(prototype: object): (string | undefined)[] {
  return [...propertyKeys].filter(([, property]) => property in prototype).map(([name]) => name);
}

function propertyOf(name: string | undefined): symbol {
  let property = propertyKeys.get(name);
  if (property === undefined) {
    property = Symbol(CONNECTION_PROPERTY(name));
    propertyKeys.set(name, property);
  }
  return property;
}

/** Assigned as any other by Nest, but left out of what prints, copies and compares objects. */
function defineHiddenProperty(prototype: object, property: symbol): void {
  Object.defineProperty(prototype, property, {
    configurable: true,
    get: () => undefined,
    set(this: object, kvi: KviService) {
      Object.defineProperty(this, property, { value: kvi, configurable: true, writable: true });
    },
  });
}
