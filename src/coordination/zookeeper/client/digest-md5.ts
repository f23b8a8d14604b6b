import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../../foundation/common/random.ts';
import type { SaslExchange, SaslMechanism } from './sasl.ts';

export interface DigestMd5Options {
  readonly username: string;
  readonly password: string;
  readonly random: Random;
}

/** What ZooKeeper's servers call themselves in this mechanism, wherever they run. */
const DIGEST_URI = 'zookeeper/zk-sasl-md5';
const NONCE_DIGITS = 32;
const FIRST_USE = '00000001';

/** SASL DIGEST-MD5 (RFC 2831), with authentication only. The password is not sent; MD5 is what this mechanism has. */
export const digestMd5 = (options: DigestMd5Options): SaslMechanism => ({
  name: 'DIGEST-MD5',
  begin: () => exchange(options),
});

const exchange = ({ username, password, random }: DigestMd5Options): SaslExchange => {
  let expected: string | undefined;
  let isOver = false;
  return {
    first: new Uint8Array(0),
    answer: (challenge) => {
      const said = directivesOf(Buffer.from(challenge).toString('utf8'));
      if (expected !== undefined) {
        if (isOver || !isSame(said.get('rspauth') ?? '', expected)) {
          throw new Error('the server did not prove that it knows the password');
        }
        isOver = true;
        return undefined;
      }
      const nonce = said.get('nonce');
      if (nonce === undefined || !(said.get('qop') ?? 'auth').split(/[,\s]+/).includes('auth')) {
        throw new Error('the server offers no DIGEST-MD5 authentication');
      }
      const realm = said.get('realm') ?? '';
      const cnonce = random.hex(NONCE_DIGITS);
      const proof = (method: string): string => {
        const secret = Buffer.concat([md5(`${username}:${realm}:${password}`), Buffer.from(`:${nonce}:${cnonce}`)]);
        return hex(
          md5(`${hex(md5(secret))}:${nonce}:${FIRST_USE}:${cnonce}:auth:${hex(md5(`${method}:${DIGEST_URI}`))}`),
        );
      };
      expected = proof('');
      return Buffer.from(
        `charset=utf-8,username=${quoted(username)},realm=${quoted(realm)},nonce=${quoted(nonce)},nc=${FIRST_USE},` +
          `cnonce=${quoted(cnonce)},digest-uri=${quoted(DIGEST_URI)},response=${proof('AUTHENTICATE')},qop=auth`,
      );
    },
  };
};

const md5 = (data: string | Uint8Array): Buffer => createHash('md5').update(data).digest();
const hex = (bytes: Buffer): string => bytes.toString('hex');
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

const isSame = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** `name=value` or `name="value"`, with commas between; the first of a name counts. */
const directivesOf = (text: string): ReadonlyMap<string, string> => {
  const directives = new Map<string, string>();
  for (const [, name, inQuotes, bare] of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]*))/g)) {
    if (name !== undefined && !directives.has(name)) {
      directives.set(name, inQuotes?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '');
    }
  }
  return directives;
};
