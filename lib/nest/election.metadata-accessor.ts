import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ELECTION_METADATA } from './hmetcd.constants.js';

/** The decorator, by which log lines and errors name a method's part. */
export type ElectionDecorator = '@OnElected' | '@OnDeposed';

/** One `@OnElected` or `@OnDeposed` on a method. */
export interface ElectionMetadata {
  readonly decorator: ElectionDecorator;
  readonly name: string;
  readonly connection: string | undefined;
}

/** Adds to what is there: a method may be marked several times. */
export function addElectionMetadata(method: object, metadata: ElectionMetadata): void {
  const present = (Reflect.getMetadata(ELECTION_METADATA, method) ?? []) as ElectionMetadata[];
  Reflect.defineMetadata(ELECTION_METADATA, [metadata, ...present], method);
}

@Injectable()
export class ElectionMetadataAccessor {
  constructor(private readonly reflector: Reflector) {}

  /** The marks of a method, none for any other function. */
  marksOf(method: object): readonly ElectionMetadata[] {
    return this.reflector.get<ElectionMetadata[] | undefined>(ELECTION_METADATA, method as () => void) ?? [];
  }
}
