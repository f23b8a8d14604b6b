import { readFileSync } from 'node:fs';
import { systemClock } from '../foundation/common/system-clock.ts';
import { runCli } from '../interfaces/cli/cli.ts';
import { startLocalRun } from './local-run.ts';
import { waitForDebugger } from './wait-for-debugger.ts';

const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;

const version = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
};

/** The `millrace` command. */
export const main = async (argv: readonly string[]): Promise<void> => {
  const exitCode = await runCli(argv, {
    version: version(),
    start: startLocalRun,
    streams: { stdout: process.stdout, stderr: process.stderr },
    env: process.env,
    clock: systemClock,
    onInterrupt: (interrupted) => {
      for (const signal of INTERRUPTS) {
        process.on(signal, interrupted);
      }
      return () => {
        for (const signal of INTERRUPTS) {
          process.off(signal, interrupted);
        }
      };
    },
    exitNow: (code) => process.exit(code),
    waitForDebugger,
  });
  process.exitCode = exitCode;
};
