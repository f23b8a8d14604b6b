import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder that only this user may look into. One that is there stays as it is. Never rejects: whoever writes there next says
 * what is wrong.
 */
export const makePrivateFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(dirname(path), { recursive: true });
    await mkdir(path, { mode: 0o700 });
  } catch {
    // It is there, or cannot be.
  }
};
