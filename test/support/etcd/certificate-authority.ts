import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';

const HOUR_MS = 3_600_000;

/** A certificate and its key in PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Signs certificates for the loopback that are valid for an hour. */
export class CertificateAuthority implements Identity {
  readonly cert: string;
  readonly key: string;
  readonly #name: string;

  constructor(name: string) {
    const keys = newKeys();
    this.#name = name;
    this.key = keys.key;
    this.cert = this.#sign(name, keys.publicKey, [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      { name: 'subjectKeyIdentifier' },
    ]);
  }

  /** For a server on the loopback as well as for a client; etcd takes a client's name for its user. */
  issue(name: string): Identity {
    const { publicKey, key } = newKeys();
    const cert = this.#sign(name, publicKey, [
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ]);
    return { cert, key };
  }

  #sign(name: string, publicKey: string, extensions: object[]): string {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
    // A leading zero bit: the number must not be negative.
    certificate.serialNumber = `00${randomBytes(15).toString('hex')}`;
    certificate.validity.notBefore = new Date(Date.now() - HOUR_MS);
    certificate.validity.notAfter = new Date(Date.now() + HOUR_MS);
    certificate.setSubject([{ name: 'commonName', value: name }]);
    certificate.setIssuer([{ name: 'commonName', value: this.#name }]);
    certificate.setExtensions(extensions);
    certificate.sign(forge.pki.privateKeyFromPem(this.key), forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  }
}

/** RSA, which is what forge signs with; Node makes the keys, much faster. */
function newKeys(): { readonly publicKey: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKey, key: privateKey };
}
