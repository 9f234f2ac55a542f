import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { DELETE, KeyChange, PUT } from '../kvi/key-change.js';
import type { KeyRange } from '../kvi/kvi.js';
import { ON_KEY_CHANGE_METADATA } from './hmetcd.constants.js';

/**
 * Is called with what a handler threw and the change it was called with; a promise is awaited.
 *
 * @publicApi
 */
export type KeyChangeErrorHandler = (error: unknown, change: KeyChange) => unknown;

/** One `@OnKeyChange` on a method. */
export interface KeyChangeMetadata {
  readonly range: KeyRange;
  readonly op: PUT | DELETE | undefined;
  readonly initial: boolean;
  readonly prevValue: boolean;
  readonly onError: KeyChangeErrorHandler | undefined;
  readonly connection: string | undefined;
}

/** Adds to what is there: a method may be marked several times. In the order of the source, where the last runs first. */
export function addKeyChangeMetadata(method: object, metadata: KeyChangeMetadata): void {
  const present = (Reflect.getMetadata(ON_KEY_CHANGE_METADATA, method) ?? []) as KeyChangeMetadata[];
  Reflect.defineMetadata(ON_KEY_CHANGE_METADATA, [metadata, ...present], method);
}

@Injectable()
export class KeyChangeMetadataAccessor {
  constructor(private readonly reflector: Reflector) {}

  /** The marks of a method, none for any other function. */
  marksOf(method: object): readonly KeyChangeMetadata[] {
    return (
      this.reflector.get<KeyChangeMetadata[] | undefined>(ON_KEY_CHANGE_METADATA, method as () => void) ?? []
    );
  }
}
