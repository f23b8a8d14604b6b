import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Clock } from '../../foundation/common/clock.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Terminal } from './terminal.ts';

export interface CertsEnvironment {
  readonly terminal: Terminal;
  readonly clock: Clock;
}

/** Longer ones than X.509 can say, or than anybody means. */
const DAYS_MAX = 36_500;

/** `millrace certs`: what `security.ssl.internal.*` needs. */
export const addCertsCommand = (program: Command, { terminal, clock }: CertsEnvironment): void => {
  program
    .command('certs')
    .description('make a CA and certificates for TLS between the processes of a cluster')
    .argument('<folder>', 'where the files go')
    .argument('[hosts...]', 'one certificate for each; processes of one host can share it', ['localhost'])
    .option('--days <n>', 'how long they are valid', '365')
    .exitOverride()
    .action(async (folder: string, hosts: readonly string[], flags: { readonly days: string }) => {
      const days = Number(flags.days);
      if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX) {
        throw new MillraceError('BAD_OPTION', `--days is ${flags.days}; allowed: a whole number from 1 to ${DAYS_MAX}`);
      }
      const { writeCertificates } = await import('../../foundation/security/write-certificates.ts');
      const written = await writeCertificates(resolve(folder), [...new Set(hosts)], { nowMs: clock.now(), days });
      for (const [host, keystore] of written.keystores) {
        await terminal.print(`# ${host}: copy ${keystore} and ${written.truststore} to it, and set there`);
        for (const [key, value] of Object.entries(written.configuration(host))) {
          await terminal.print(`${key}: ${value}`);
        }
      }
      terminal.log(`${written.authorityKey} makes further certificates; keep it away from the cluster.`);
    });
};
