import { Injectable, type Type } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { FROM_KEY_METADATA } from './hmetcd.constants.js';
import type { ValueParser } from './value-parser.js';

/** One `@FromKey` on a parameter or a property. */
export interface FromKeyMetadata {
  /** What Nest injects there: of this place alone, so that an error can name it. */
  readonly token: symbol;
  /** `Class`, or `Class.property` */
  readonly owner: string;
  readonly key: string;
  readonly parse: ValueParser<unknown>;
  /** The default, in an object because it may be undefined. */
  readonly fallback: { readonly value: unknown } | undefined;
  readonly connection: string | undefined;
}

/** Of all classes that were loaded: Nest asks for providers before it asks for the classes that want them. */
const everywhere: FromKeyMetadata[] = [];

export function addFromKeyMetadata(type: object, metadata: FromKeyMetadata): void {
  const present = (Reflect.getMetadata(FROM_KEY_METADATA, type) ?? []) as FromKeyMetadata[];
  Reflect.defineMetadata(FROM_KEY_METADATA, [...present, metadata], type);
  everywhere.push(metadata);
}

/** Every `@FromKey` on a connection, in whatever class. */
export function fromKeyMetadataOn(connection: string | undefined): FromKeyMetadata[] {
  return everywhere.filter((metadata) => metadata.connection === connection);
}

@Injectable()
export class FromKeyMetadataAccessor {
  constructor(private readonly reflector: Reflector) {}

  /** The marks of a class and its parents. */
  marksOf(type: object): readonly FromKeyMetadata[] {
    return this.reflector.get<FromKeyMetadata[] | undefined>(FROM_KEY_METADATA, type as Type) ?? [];
  }
}
