import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** What the processes of the other version say of themselves. */
export const OTHER_VERSION = '9.9.9 (protocol 999)';

const changed = (path: string, from: RegExp, to: string): void => {
  const text = readFileSync(path, 'utf8');
  if (!from.test(text)) {
    throw new Error(`${path} does not have ${from}`);
  }
  writeFileSync(path, text.replace(from, to));
};

/** Makes an installation in the folder that is this one but for its version and that of its messages; returns its program. */
export const installOtherVersion = (folder: string): string => {
  mkdirSync(folder);
  for (const name of ['bin', 'dist', 'package.json']) {
    cpSync(join(REPOSITORY, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  changed(
    join(folder, 'dist/runtime/protocol/protocol-version.js'),
    /PROTOCOL_VERSION = \d+/,
    'PROTOCOL_VERSION = 999',
  );
  changed(join(folder, 'package.json'), /"version": "[^"]+"/, '"version": "9.9.9"');
  return join(folder, 'bin', 'millrace.js');
};
