import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPILE_CACHE } from './process-environment.ts';

let folder: string | undefined;

/** All that tests write is in one folder, which goes with them, also where one of them ended in the middle. Sockets need short paths. */
export const setup = (): void => {
  folder = mkdtempSync(join(tmpdir(), 'mr-'));
  // Some tests are of other users.
  chmodSync(folder, 0o711);
  process.env['TMPDIR'] = folder;
  process.env[COMPILE_CACHE] ??= join(import.meta.dirname, '../node_modules/.cache/millrace-compiled');
};

export const teardown = (): void => {
  if (folder !== undefined && process.env['MILLRACE_KEEP_TEST_FILES'] === undefined) {
    rmSync(folder, { recursive: true, force: true });
  }
};
