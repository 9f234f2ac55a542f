import { HttpException } from '@nestjs/common';
import { validation } from '../validation.pipe.js';
import { Limits } from './limits.dto.js';

/**
 * Reads a stored value by the rules of `PUT /limits`.
 *
 * @throws Error whose message says all that is wrong
 */
export async function parseLimits(text: string): Promise<Limits> {
  try {
    return await validation.transform(JSON.parse(text), { type: 'body', metatype: Limits });
  } catch (error) {
    throw new Error(explain(error), { cause: error });
  }
}

/** The pipe's own message is a mere "Bad Request"; what is wrong stands in the response it would have sent. */
function explain(error: unknown): string {
  const response = error instanceof HttpException ? error.getResponse() : undefined;
  if (typeof response === 'object' && 'message' in response) return String(response.message);
  return String(error);
}
