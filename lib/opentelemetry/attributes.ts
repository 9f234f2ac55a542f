import type { Attributes } from '@opentelemetry/api';

/** Where something happened, as far as its message tells. */
interface Place {
  readonly endpoint: string;
  readonly namespace?: string;
}

/** In OpenTelemetry's words, https://opentelemetry.io/docs/specs/semconv/database/ */
export function placeAttributes({ endpoint, namespace }: Place): Attributes {
  return {
    'db.system.name': 'etcd',
    ...(namespace && { 'db.namespace': namespace }),
    ...serverOf(endpoint),
  };
}

/** By what kind of error something failed; its message stays out, which may hold a key. */
export function errorAttributes({ error }: { readonly error?: unknown }): Attributes {
  return error === undefined ? {} : { 'error.type': errorType(error) };
}

/** What the operations of a place are told apart by, where that is one word. */
export function targetOf(place: Place): string | undefined {
  if (place.namespace) return place.namespace;
  const { 'server.address': address, 'server.port': port } = serverOf(place.endpoint);
  return address === undefined || address.includes(',') ? undefined : `${address}:${port}`;
}

interface Server {
  readonly 'server.address'?: string;
  readonly 'server.port'?: number;
}

const servers = new Map<string, Server>();

/** There are as many as a process has connections, and each is asked for with every call. */
function serverOf(endpoint: string): Server {
  const known = servers.get(endpoint);
  if (known !== undefined) return known;
  const server = endpoint.startsWith('mem:') ? {} : readServers(endpoint);
  servers.set(endpoint, server);
  return server;
}

/** A cluster is all its members: which of them answered is not told. */
function readServers(endpoint: string): Server {
  const urls = endpoint.split(', ').map((url) => new URL(url));
  const ports = new Set(urls.map(portOf));
  const [port] = ports;
  return {
    'server.address': urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, '')).join(','),
    ...(ports.size === 1 && { 'server.port': port }),
  };
}

function portOf({ protocol, port }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

/** A code, as this library's and Node's errors have one; else the name of the class. */
function errorType(error: unknown): string {
  try {
    const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown };
    const words = [code, name].filter((word): word is string => typeof word === 'string');
    return words.find((word) => /^[\w$]{1,100}$/.test(word)) ?? '_OTHER';
  } catch {
    // Whoever aborts a wait gives the reason, which may be anything.
    return '_OTHER';
  }
}
