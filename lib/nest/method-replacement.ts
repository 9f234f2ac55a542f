type Method = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Makes `replacement` pass for `method` before whoever looks at it: its name, its length, and the metadata that other
 * decorators have put there or will look for (a route, a guard, a job). Those above the replacing decorator write on
 * the replacement itself.
 */
export function replaceMethod(method: Method, replacement: Method): Method {
  for (const key of Reflect.ownKeys(method)) {
    const descriptor = Object.getOwnPropertyDescriptor(method, key)!;
    if (key !== 'prototype') Object.defineProperty(replacement, key, descriptor);
  }
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), replacement);
  }
  return replacement;
}
