// Recounts what the jobs of `jobs/` committed, and how often their tasks were started; imports nothing of the project.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of a job that numbers the values 0 to `count` - 1 by so many keys: `key n value`, for the n-th value of each key. */
export const recount = (folder, count, keys = 10) => {
  const expected = [];
  for (let value = 0; value < count; value++) {
    const key = value % keys;
    expected.push(`${key} ${(value - key) / keys + 1} ${value}`);
  }
  return recountLines(join(folder, 'out'), expected);
};

/** What must be there, what is committed in that folder, and what of it is there twice or missing. */
export const recountLines = (out, lines) => {
  const expected = new Set(lines);
  const committed = new Map();
  for (const line of committedLines(out)) {
    committed.set(line, (committed.get(line) ?? 0) + 1);
  }
  return {
    expected: expected.size,
    committed: [...committed.values()].reduce((sum, times) => sum + times, 0),
    repeated: [...committed.values()].filter((times) => times > 1).length,
    missing: [...expected].filter((line) => !committed.has(line)).length,
    unexpected: [...committed.keys()].filter((line) => !expected.has(line)).length,
  };
};

/** The lines of all files of a sink whose names are final. */
export const committedLines = (out) =>
  (existsSync(out) ? readdirSync(out) : [])
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => readFileSync(join(out, name), 'utf8').split('\n'))
    .filter((line) => line !== '');

/** The starts of tasks, in their order: of which subtask, in which process, when. */
export const openings = (folder) => linesOf(folder, 'opens.log');

/** How often tasks were started. */
export const starts = (folder) => openings(folder).length;

/** Signs of life of tasks that get records: of which subtask, in which process, when. */
export const progress = (folder) => linesOf(folder, 'progress.log');

const linesOf = (folder, name) => {
  const file = join(folder, name);
  return (existsSync(file) ? readFileSync(file, 'utf8') : '')
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').map(Number))
    .map(([subtask, pid, atMs]) => ({ subtask, pid, atMs }));
};
