import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { DIST_LOCKED_METADATA } from './hmetcd.constants.js';

/** What `@DistLocked` leaves on a method to be found by. */
export interface DistLockedMetadata {
  readonly connection: string | undefined;
  readonly usesDefaultLock: boolean;
}

export function setDistLockedMetadata(method: object, metadata: DistLockedMetadata): void {
  Reflect.defineMetadata(DIST_LOCKED_METADATA, metadata, method);
}

@Injectable()
export class DistLockedMetadataAccessor {
  constructor(private readonly reflector: Reflector) {}

  markOf(method: object): DistLockedMetadata | undefined {
    return this.reflector.get<DistLockedMetadata | undefined>(DIST_LOCKED_METADATA, method as () => void);
  }
}
