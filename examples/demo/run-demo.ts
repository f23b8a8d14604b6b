import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stage } from './stage.ts';

export interface Demo {
  /** Its own; goes with it, unless it fails. */
  readonly folder: string;
  readonly stage: Stage;
  /** Aborted when somebody ends the demo, or nobody reads it any more. */
  readonly interruption: AbortSignal;
}

/** Plays a demo, which resolves to whether all was as promised and ends by itself what it started; then ends this process. */
export const runDemo = async (play: (demo: Demo) => Promise<boolean>): Promise<never> => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  const interruption = new AbortController();
  let endedBy: keyof typeof constants.signals | undefined;
  const end = (signal: keyof typeof constants.signals): void => {
    endedBy ??= signal;
    interruption.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, end);
  }
  process.stdout.on('error', () => end('SIGPIPE'));

  let isAsPromised = false;
  try {
    isAsPromised = await play({ folder, stage: new Stage(), interruption: interruption.signal });
  } catch (error) {
    if (endedBy === undefined) {
      process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  if (!isAsPromised && endedBy === undefined) {
    process.stderr.write(`demo: its files are kept in ${folder}\n`);
  } else {
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit(endedBy === undefined ? Number(!isAsPromised) : 128 + constants.signals[endedBy]);
};

/** Lets a program that imports nothing of Millrace recount the files; it shows what it finds. */
export const isExact = async (folder: string, sums: number): Promise<boolean> => {
  const verifier = spawn(process.execPath, [join(import.meta.dirname, 'verify.mjs'), folder, String(sums)], {
    stdio: 'inherit',
  });
  const [code] = await once(verifier, 'close');
  return code === 0;
};
