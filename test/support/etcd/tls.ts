/** A certificate and its key, as PEM files. */
export interface IdentityFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** How a server is to serve its clients over TLS. */
export interface ServerTls {
  readonly server: IdentityFiles;
  /** The authority that signed the server's certificate, for etcdctl. */
  readonly caFile: string;
  /** Demands a certificate from clients, signed by the same authority; etcdctl shows this one. */
  readonly client?: IdentityFiles;
}

export function tlsServerArgs(tls: ServerTls | undefined): string[] {
  if (tls === undefined) return [];
  const { server, caFile, client } = tls;
  return [
    `--cert-file=${server.certFile}`,
    `--key-file=${server.keyFile}`,
    ...(client === undefined ? [] : ['--client-cert-auth', `--trusted-ca-file=${caFile}`]),
  ];
}

export function tlsCtlArgs(tls: ServerTls | undefined): string[] {
  if (tls === undefined) return [];
  const { caFile, client } = tls;
  return [
    `--cacert=${caFile}`,
    ...(client === undefined ? [] : [`--cert=${client.certFile}`, `--key=${client.keyFile}`]),
  ];
}
