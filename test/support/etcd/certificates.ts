import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CertificateAuthority, type Identity } from './certificate-authority.js';
import { stopLater, stopped } from './cleanup.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';
import type { IdentityFiles, ServerTls } from './tls.js';

export interface StoredIdentity extends Identity, IdentityFiles {}

/** An authority, what it signed, and a stranger; as PEM text and as files. Removed after the tests of the file. */
export interface Certificates extends AsyncDisposable {
  readonly ca: StoredIdentity;
  readonly server: StoredIdentity;
  readonly client: StoredIdentity;
  /** An authority that nobody here has asked. */
  readonly wrongCa: StoredIdentity;
  /** A client that the stranger vouches for. */
  readonly wrongClient: StoredIdentity;
  /** For `startEtcd`: TLS, and with `mutual` only for clients with a certificate. */
  serverTls(options?: { mutual?: boolean }): ServerTls;
}

/** `clientName` is the etcd user of the client's certificate. */
export async function createCertificates({ clientName = 'client' } = {}): Promise<Certificates> {
  const folder = await temporaryFolder('certificates');
  const [ca, wrongCa] = [new CertificateAuthority('ca'), new CertificateAuthority('stranger')];
  const stored = (name: string, identity: Identity): Promise<StoredIdentity> => store(folder, name, identity);
  const certificates = {
    ca: await stored('ca', ca),
    server: await stored('server', ca.issue('localhost')),
    client: await stored('client', ca.issue(clientName)),
    wrongCa: await stored('wrong-ca', wrongCa),
    wrongClient: await stored('wrong-client', wrongCa.issue(clientName)),
    serverTls({ mutual = false } = {}): ServerTls {
      const tls = { server: certificates.server, caFile: certificates.ca.certFile };
      return mutual ? { ...tls, client: certificates.client } : tls;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await removeFolder(folder);
      stopped(certificates);
    },
  };
  stopLater(certificates);
  return certificates;
}

async function store(folder: string, name: string, { cert, key }: Identity): Promise<StoredIdentity> {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  return { cert, key, certFile, keyFile };
}
