import { get } from 'node:http';
import { text } from 'node:stream/consumers';

/** The body of a page of a server on the loopback; undefined if there is no good answer in time. */
export function fetchPage(url: string, timeoutMs = 2_000): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const body = text(response);
      if (response.statusCode === 200) resolve(body.catch(() => undefined));
      else resolve(body.then(() => undefined).catch(() => undefined));
    });
    request.on('error', () => {
      resolve(undefined);
    });
  });
}
