import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** 0 where there is no such file. */
export const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

/** What a file has from `offset` on, of that the last `mostBytes`; nothing where there is no file, or a shorter one. */
export const readFrom = (path: string, offset: number, mostBytes = Infinity): string => {
  if (!existsSync(path)) {
    return '';
  }
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const from = Math.max(offset, size - mostBytes);
    const bytes = Buffer.alloc(Math.max(0, size - from));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)).toString('utf8');
  } finally {
    closeSync(file);
  }
};
