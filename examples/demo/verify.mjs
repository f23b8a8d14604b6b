// Recounts what the demo's sink committed. Knows nothing of Millrace: it reads files and adds numbers.
// Usage: node verify.mjs <folder> <sums>; exit 1 when a sum is missing, repeated or wrong.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder, sums] = process.argv.slice(2);
if (folder === undefined || !Number.isInteger(Number(sums))) {
  process.stderr.write('usage: node verify.mjs <folder> <number of sums>\n');
  process.exit(2);
}
const expected = Number(sums);
const files = readdirSync(folder)
  .filter((name) => name.startsWith('part-'))
  .sort();
const seen = new Map();
const wrong = [];
let committed = 0;
for (const name of files) {
  for (const line of readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((text) => text !== '')) {
    committed++;
    // The k-th sum is 10000·k + 4950; anything else was never a sum of a hundred numbers in a row.
    const k = (Number(line) - 4950) / 10000;
    if (!Number.isInteger(k) || k < 0 || k >= expected) {
      wrong.push(`${name}: ${line}`);
    } else {
      seen.set(k, (seen.get(k) ?? 0) + 1);
    }
  }
}
const repeated = [...seen.values()].reduce((sum, times) => sum + times - 1, 0);
const missing = expected - seen.size;
const rows = [
  ['sums expected', expected],
  ['committed', committed],
  ['repeated', repeated],
  ['missing', missing],
];
for (const [label, value] of rows) {
  process.stdout.write(`  ${label.padEnd(15)}${String(value).padStart(8)}\n`);
}
for (const line of wrong.slice(0, 10)) {
  process.stdout.write(`  wrong: ${line}\n`);
}
process.exit(repeated === 0 && missing === 0 && wrong.length === 0 ? 0 : 1);
