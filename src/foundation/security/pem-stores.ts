import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { codeOf, messageOf, MillraceError } from '../common/errors.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Option } from '../config/option.ts';

type FileOption = Option<string | undefined>;

/** Where certificates of CAs are named. */
export interface TrustStoreOptions {
  readonly file: FileOption;
  readonly type: Option<string>;
  /** The key of the option that is on and asks for the file, and what to do about a missing one. */
  readonly isNeeded: { readonly because: string; readonly help: string };
}

/** Where a private key and its certificate are named. */
export interface KeyStoreOptions extends TrustStoreOptions {
  readonly password: FileOption;
}

/** All in PEM; the key has no password any more: task threads and other readers need none then. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/** Errors: BAD_OPTION for a file that is missing, of another format, out of its time, or whose parts do not belong together. */
export const readKeyStore = async (
  configuration: Configuration,
  options: KeyStoreOptions,
  nowMs: number,
): Promise<KeyAndCertificate> => {
  const store = await readPem(configuration, options);
  const passphrase = configuration.get(options.password);
  const [key] = store.text.match(/-----BEGIN (?<kind>[A-Z ]*PRIVATE KEY)-----.*?-----END \k<kind>-----/s) ?? [];
  const certs = certificatesIn(store);
  const [first] = certs;
  if (key === undefined || first === undefined) {
    throw store.wrong(`holds no ${key === undefined ? 'private key' : 'certificate'}; put both into it, PEM after PEM`);
  }
  checkCertificate(store, first, nowMs);
  const parsedKey = parseKey(store, key, passphrase, options.password.key);
  if (!first.checkPrivateKey(parsedKey)) {
    throw store.wrong('holds a private key and a certificate that do not belong together; the certificate goes first');
  }
  return {
    key: passphrase === undefined ? key : String(parsedKey.export({ type: 'pkcs8', format: 'pem' })),
    cert: certs.map(String).join('\n'),
  };
};

/** The certificates in PEM. Errors: BAD_OPTION. */
export const readTrustStore = async (configuration: Configuration, options: TrustStoreOptions): Promise<string> => {
  const trust = await readPem(configuration, options);
  const ca = certificatesIn(trust);
  if (ca.length === 0) {
    throw trust.wrong('holds no certificate');
  }
  return ca.map(String).join('\n');
};

interface PemFile {
  readonly text: string;
  wrong(problem: string): MillraceError;
}

const readPem = async (
  configuration: Configuration,
  { file: option, type, isNeeded }: TrustStoreOptions,
): Promise<PemFile> => {
  const path = configuration.get(option);
  if (path === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `${isNeeded.because} is true, and ${option.key} is not set; ${isNeeded.help}`,
    );
  }
  const wrong = (problem: string, cause?: unknown): MillraceError =>
    new MillraceError('BAD_OPTION', `${path} (${option.key}) ${problem}`, { cause });
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    throw wrong(codeOf(thrown) === 'ENOENT' ? 'does not exist' : `cannot be read: ${messageOf(thrown)}`, thrown);
  }
  const format = binaryFormat(bytes);
  const wanted = configuration.get(type).toUpperCase();
  if (format !== undefined || wanted !== 'PEM') {
    throw wrong(`is of the format ${format ?? wanted}; Millrace reads PEM. ${conversion(path, format ?? wanted)}`);
  }
  return { text: bytes.toString('utf8'), wrong };
};

/** Java's formats, by their first bytes. */
const binaryFormat = (bytes: Buffer): string | undefined => {
  const start = bytes.subarray(0, 4).toString('hex');
  return start === 'feedfeed' ? 'JKS' : start === 'cececece' ? 'JCEKS' : bytes[0] === 0x30 ? 'PKCS12' : undefined;
};

const conversion = (path: string, format: string): string => {
  const toPem = (from: string): string => `openssl pkcs12 -in ${from} -nodes -out store.pem`;
  return format === 'PKCS12'
    ? `Convert it with: ${toPem(path)}`
    : `Convert it with: keytool -importkeystore -srckeystore ${path} -destkeystore store.p12 -deststoretype PKCS12 && ${toPem('store.p12')}`;
};

const certificatesIn = (file: PemFile): readonly X509Certificate[] => {
  try {
    const blocks = file.text.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
    return blocks.map((block) => new X509Certificate(block));
  } catch (thrown) {
    throw file.wrong(`holds a certificate that cannot be read (${messageOf(thrown)})`);
  }
};

const checkCertificate = (store: PemFile, cert: X509Certificate, nowMs: number): void => {
  if (Date.parse(cert.validTo) <= nowMs || Date.parse(cert.validFrom) > nowMs) {
    throw store.wrong(`holds a certificate that is valid from ${cert.validFrom} to ${cert.validTo}, not now`);
  }
};

const parseKey = (store: PemFile, key: string, passphrase: string | undefined, passwordOption: string): KeyObject => {
  try {
    return createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (thrown) {
    throw store.wrong(`holds a private key that cannot be read (${messageOf(thrown)}); is ${passwordOption} right?`);
  }
};
