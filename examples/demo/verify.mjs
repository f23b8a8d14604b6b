// Recounts what the demo's job committed. Knows nothing of Millrace: it reads files and adds numbers.
// Usage: node verify.mjs <folder> <sums>; exit 1 when something is missing, repeated or wrong.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder, count] = process.argv.slice(2);
const sums = Number(count);
if (folder === undefined || !Number.isInteger(sums)) {
  process.stderr.write('usage: node verify.mjs <folder> <number of sums>\n');
  process.exit(2);
}

/** The sums of 0..99, 100..199, ... */
const expectedSums = () => Array.from({ length: sums }, (_, k) => String(10_000 * k + 4_950));

/** For each last digit, after every ten numbers that end with it: the digit, how many they were, their total. */
const expectedTotals = () => {
  const lines = [];
  const state = new Map();
  for (let number = 0; number < 100 * sums; number++) {
    const digit = number % 10;
    const { times, total } = state.get(digit) ?? { times: 0, total: 0 };
    state.set(digit, { times: times + 1, total: total + number });
    if ((times + 1) % 10 === 0) {
      lines.push(`${digit} ${times + 1} ${total + number}`);
    }
  }
  return lines;
};

const recount = (name, expected) => {
  const seen = new Map(expected.map((line) => [line, 0]));
  const wrong = [];
  let committed = 0;
  for (const file of readdirSync(join(folder, name)).filter((part) => part.startsWith('part-'))) {
    for (const line of readFileSync(join(folder, name, file), 'utf8').split('\n')) {
      if (line === '') {
        continue;
      }
      committed++;
      if (seen.has(line)) {
        seen.set(line, seen.get(line) + 1);
      } else {
        wrong.push(`${name}/${file}: ${line}`);
      }
    }
  }
  const times = [...seen.values()];
  return {
    expected: expected.length,
    committed,
    repeated: times.reduce((sum, seenTimes) => sum + Math.max(0, seenTimes - 1), 0),
    missing: times.filter((seenTimes) => seenTimes === 0).length,
    wrong,
  };
};

const [first, second] = [recount('sums', expectedSums()), recount('totals', expectedTotals())];
for (const row of ['expected', 'committed', 'repeated', 'missing']) {
  const [left, right] = row === 'expected' ? ['sums expected', 'totals expected'] : [row, row];
  process.stdout.write(
    `  ${left.padEnd(15)}${String(first[row]).padStart(8)}    ${right.padEnd(17)}${String(second[row]).padStart(8)}\n`,
  );
}
const wrong = [...first.wrong, ...second.wrong];
for (const line of wrong.slice(0, 10)) {
  process.stdout.write(`  wrong: ${line}\n`);
}
const isExact = [first, second].every(({ repeated, missing }) => repeated === 0 && missing === 0) && wrong.length === 0;
process.exit(isExact ? 0 : 1);
