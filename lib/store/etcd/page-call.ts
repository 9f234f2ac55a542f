import type { IRangeResponse } from 'etcd3';
import type { RangeRequest, RangeResponse } from '../store.js';
import type { Call } from './calls.js';
import { rangeFromWire, rangeToWire } from './codec.js';

/** How many keys a page is asked for again that was not answered in the time of one attempt. */
const SMALL_PAGE = 16;

/**
 * Reads one page. The values may have become so large that as many as are asked for do not arrive in the time of one
 * attempt: the next one asks for few. All of them share the time of the call, so that an outage does not take it twice.
 */
export function pageCall(request: RangeRequest): Call<RangeResponse> {
  let { limit } = request;
  return {
    service: 'KV',
    method: 'range',
    get payload() {
      return rangeToWire({ ...request, limit });
    },
    what: 'A read',
    isRepeatable: true,
    onUnanswered() {
      if (limit !== undefined) limit = Math.min(limit, SMALL_PAGE);
    },
    read: (response: IRangeResponse) => rangeFromWire(response, request),
  };
}
