import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificateAuthority, makeHostCertificate } from '../../../src/foundation/security/certificate.ts';
import { Ensemble } from './ensemble.ts';

const DAY_MS = 86_400_000;
const validity = { fromMs: Date.now() - DAY_MS, untilMs: Date.now() + DAY_MS };

type Authority = ReturnType<typeof makeCertificateAuthority>;

export const ALICE = { username: 'alice', password: "alice's pw" };
export const BOB = { username: 'bob', password: 'b' };

/** One server that takes SASL, at its plain port, and TLS with certificates of clients, at its secure one. */
export class SecuredEnsemble implements AsyncDisposable {
  readonly authority = makeCertificateAuthority({ name: 'test CA', ...validity });
  readonly stranger = makeCertificateAuthority({ name: 'another CA', ...validity });
  readonly folder = mkdtempSync(join(tmpdir(), 'zk-security-'));
  #ensemble: Ensemble | undefined;

  static async start(): Promise<SecuredEnsemble> {
    const secured = new SecuredEnsemble();
    const server = secured.certified('server');
    const keys = secured.file('server.pem', `${server.key}\n${server.cert}\n`);
    const trusted = secured.file('ca.pem', secured.authority.cert);
    const users = [ALICE, BOB].map(({ username, password }) => `user_${username}="${password}"`).join(' ');
    const module = 'org.apache.zookeeper.server.auth.DigestLoginModule';
    const logins = secured.file('jaas.conf', `Server { ${module} required ${users}; };\n`);
    secured.#ensemble = await Ensemble.start({
      servers: 1,
      jars: ['netty-codec'],
      java: [`-Djava.security.auth.login.config=${logins}`],
      config: ({ secure }) => [
        'authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
        'authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider',
        'serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory',
        `secureClientPort=${secure}`,
        'secureClientPortAddress=127.0.0.1',
        `ssl.keyStore.location=${keys}`,
        `ssl.trustStore.location=${trusted}`,
        'ssl.clientAuth=need',
      ],
    });
    return secured;
  }

  get ensemble(): Ensemble {
    if (this.#ensemble === undefined) {
      throw new Error('it has not been started');
    }
    return this.#ensemble;
  }

  /** At its secure port. */
  secure(host = '127.0.0.1'): string {
    return `${host}:${this.ensemble.securePortOf(0)}`;
  }

  /** A key and its certificate. */
  certified(name: string, by: Authority = this.authority): ReturnType<typeof makeHostCertificate> {
    return makeHostCertificate(by, { name, hosts: ['localhost', '127.0.0.1'], ...validity });
  }

  file(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  async stop(): Promise<void> {
    await this.#ensemble?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
