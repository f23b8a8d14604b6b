// Recounts what the job `counted` committed; imports nothing of the project. Arguments: its folder, how many numbers.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What must be there, what is there, and what is there twice or missing. */
export const recount = (folder, count) => {
  const expected = new Map();
  const seen = new Map();
  for (let value = 0; value < count; value++) {
    const key = value % 10;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    expected.set(`${key} ${seen.get(key)} ${value}`, 1);
  }
  const committed = new Map();
  const out = join(folder, 'out');
  for (const name of existsSync(out) ? readdirSync(out) : []) {
    if (!name.startsWith('.')) {
      for (const line of readFileSync(join(out, name), 'utf8').split('\n')) {
        if (line !== '') {
          committed.set(line, (committed.get(line) ?? 0) + 1);
        }
      }
    }
  }
  return {
    expected: expected.size,
    committed: [...committed.values()].reduce((sum, times) => sum + times, 0),
    repeated: [...committed.values()].filter((times) => times > 1).length,
    missing: [...expected.keys()].filter((line) => !committed.has(line)).length,
    unexpected: [...committed.keys()].filter((line) => !expected.has(line)).length,
  };
};

/** How often tasks were started. */
export const starts = (folder) => {
  const file = join(folder, 'opens.log');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
};
