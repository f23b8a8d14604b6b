import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { present } from '../common/assert.ts';
import * as der from './der.ts';

/** A private key and its certificate, both PEM. */
export interface CertifiedKey {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** Its common name. */
  readonly name: string;
  readonly fromMs: number;
  readonly untilMs: number;
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  clientAuthentication: '1.3.6.1.5.5.7.3.2',
} as const;

const SIGNATURE = der.sequence(der.objectId(OID.ecdsaWithSha256));

/** A CA of one's own. Whoever has its key can make certificates that a cluster trusts. */
export const makeCertificateAuthority = (options: CertificateOptions): CertifiedKey => {
  const pair = makeKeyPair();
  const extensions = [
    extension(OID.basicConstraints, der.sequence(der.boolean(true)), true),
    // Bits 5 and 6: it signs certificates and revocation lists.
    extension(OID.keyUsage, der.bitString(Buffer.from([0b0000_0110]), 1), true),
  ];
  return { key: pair.key, cert: certify(options, nameOf(options.name), pair, pair, extensions) };
};

/** For a process on hosts of these names or addresses, to use on both sides of a connection. */
export const makeHostCertificate = (
  authority: CertifiedKey,
  options: CertificateOptions & { readonly hosts: readonly string[] },
): CertifiedKey => {
  const pair = makeKeyPair();
  const usages = [OID.serverAuthentication, OID.clientAuthentication].map((oid) => der.objectId(oid));
  const names = options.hosts.map((host) =>
    isIP(host) === 0 ? der.implicit(2, Buffer.from(host, 'ascii')) : der.implicit(7, addressBytes(host)),
  );
  const extensions = [
    extension(OID.basicConstraints, der.sequence(), true),
    // Bit 0: it signs what proves that it has its key.
    extension(OID.keyUsage, der.bitString(Buffer.from([0b1000_0000]), 7), true),
    extension(OID.extendedKeyUsage, der.sequence(...usages)),
    ...(names.length === 0 ? [] : [extension(OID.subjectAlternativeName, der.sequence(...names))]),
  ];
  const issuer = subjectOf(authority.cert);
  return { key: pair.key, cert: certify(options, issuer, pair, keyPairOf(authority), extensions) };
};

interface KeyPair {
  readonly key: string;
  /** The public key with its algorithm, as it stands in a certificate. */
  readonly publicInfo: Buffer;
}

const makeKeyPair = (): KeyPair => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicInfo: publicKey.export({ type: 'spki', format: 'der' }),
  };
};

const keyPairOf = ({ key }: CertifiedKey): KeyPair => ({
  key,
  publicInfo: createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' }),
});

const certify = (
  { name, fromMs, untilMs }: CertificateOptions,
  issuer: der.Der,
  subject: KeyPair,
  signer: KeyPair,
  extensions: readonly der.Der[],
): string => {
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(randomBytes(16)),
    SIGNATURE,
    issuer,
    der.sequence(der.time(fromMs), der.time(untilMs)),
    nameOf(name),
    subject.publicInfo,
    der.explicit(
      3,
      der.sequence(
        ...extensions,
        extension(OID.subjectKeyIdentifier, der.octetString(keyIdentifier(subject))),
        extension(OID.authorityKeyIdentifier, der.sequence(der.implicit(0, keyIdentifier(signer)))),
      ),
    ),
  );
  const signature = sign('sha256', toBeSigned, signer.key);
  return pem(der.sequence(toBeSigned, SIGNATURE, der.bitString(signature)));
};

const extension = (oid: string, value: der.Der, isCritical = false): der.Der =>
  der.sequence(der.objectId(oid), ...(isCritical ? [der.boolean(true)] : []), der.octetString(value));

const nameOf = (name: string): der.Der =>
  der.sequence(der.set(der.sequence(der.objectId(OID.commonName), der.utf8String(name))));

const subjectOf = (cert: string): der.Der => {
  const name = /^CN=(?<name>.*)$/m.exec(new X509Certificate(cert).subject)?.groups?.['name'];
  return nameOf(present(name, 'the name of the CA'));
};

/** Unlike for most things, SHA-1 is what is usual here; it secures nothing. */
const keyIdentifier = ({ publicInfo }: KeyPair): Buffer => createHash('sha1').update(publicInfo).digest();

const addressBytes = (address: string): Buffer => {
  if (isIPv4(address)) {
    return Buffer.from(address.split('.').map(Number));
  }
  // The WHATWG parser spells out embedded IPv4 addresses and leaves one `::` at most.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':').map((part) => part.padStart(4, '0')));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const middle = new Array<string>(8 - before.length - after.length).fill('0000');
  return Buffer.from([...before, ...middle, ...after].join(''), 'hex');
};

const pem = (bytes: Buffer): string => {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
};
