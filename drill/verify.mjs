// Judges a drill by what the probe job left in its folder. A program of its own: it imports nothing of Millrace, reads files and counts.
// Usage: node verify.mjs <folder>; prints JSON. Exit 0: nothing found; 1: findings; 2: the folder cannot be judged.
//
// `drill.json` in the folder says what was done: how many splits of how many records the probe had, whether it was let finish, and
// what was done to the cluster when. probe-job.ts says what the other files are.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SAMPLES = 5;

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(2);
};

const linesOf = (path) =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

const namesIn = (path) => (existsSync(path) ? readdirSync(path).toSorted() : []);

/** How many records each split has; `undefined` where nobody can know it. */
const endsOf = (folder, { splits, recordsPerSplit, endlessSplits, earlyRecords, isFinished }) => {
  const ends = new Map([['early', isFinished ? earlyRecords : undefined]]);
  for (let split = 0; split < splits; split++) {
    const path = join(folder, 'ends', String(split));
    const own = split < splits - endlessSplits ? recordsPerSplit : undefined;
    ends.set(String(split), isFinished ? (existsSync(path) ? Number(readFileSync(path, 'utf8')) : own) : undefined);
  }
  return ends;
};

/** Every committed record: how often each index of a split is there, and what was counted for each key. */
const readCommitted = (folder) => {
  const times = new Map();
  const counts = new Map();
  const unreadable = [];
  let total = 0;
  for (const name of namesIn(join(folder, 'committed')).filter((each) => !each.startsWith('.'))) {
    for (const line of linesOf(join(folder, 'committed', name))) {
      const match = /^(early|\d+) (\d+) (\d+) (\d+) (\d+)$/.exec(line);
      total++;
      if (match === null) {
        unreadable.push(`${name}: ${line.slice(0, 100)}`);
        continue;
      }
      const [, split, index, key, count] = match;
      const ofSplit = times.get(split) ?? times.set(split, new Map()).get(split);
      ofSplit.set(Number(index), (ofSplit.get(Number(index)) ?? 0) + 1);
      const ofKey = counts.get(key) ?? counts.set(key, new Map()).get(key);
      ofKey.set(Number(count), [...(ofKey.get(Number(count)) ?? []), [split, Number(index)]]);
    }
  }
  return { times, counts, unreadable, total };
};

const highestOf = (numbers) => [...numbers].reduce((a, b) => Math.max(a, b), -1);

/** A record that is missing, and one that is there more than once. */
const judgeRecords = (times, ends) => {
  const lost = [];
  const doubled = [];
  const foreign = [];
  let expected = 0;
  for (const [split, end] of ends) {
    const ofSplit = times.get(split) ?? new Map();
    // A job that was not let finish has committed a beginning of each split: only what is missing within it is lost.
    const length = end ?? highestOf(ofSplit.keys()) + 1;
    expected += length;
    for (let index = 0; index < length; index++) {
      if (!ofSplit.has(index)) {
        lost.push(`${split} ${index}`);
      }
    }
    for (const [index, often] of ofSplit) {
      if (often > 1) {
        doubled.push(`${split} ${index} (${often} times)`);
      }
      if (index >= length) {
        foreign.push(`${split} ${index}, behind the end ${length}`);
      }
    }
  }
  for (const split of times.keys()) {
    if (!ends.has(split)) {
      foreign.push(`split ${split}`);
    }
  }
  return { expected, lost, doubled, foreign };
};

/** The k-th record of a key carries k: each number from 1 on once, and later records of a split have higher ones. */
const judgeCounts = (counts) => {
  const wrong = [];
  for (const [key, ofKey] of counts) {
    const highest = highestOf(ofKey.keys());
    for (let number = 1; number <= highest; number++) {
      const records = ofKey.get(number) ?? [];
      if (records.length !== 1) {
        wrong.push(`key ${key}: ${records.length} records have the number ${number}`);
      }
    }
    const newest = new Map();
    for (const number of [...ofKey.keys()].toSorted((a, b) => a - b)) {
      for (const [split, index] of ofKey.get(number)) {
        if (index < (newest.get(split) ?? -1)) {
          wrong.push(`key ${key}: record ${index} of split ${split} has the number ${number}, after a later record`);
        }
        newest.set(split, index);
      }
    }
  }
  return wrong;
};

const compareGenerations = ([epochA, numberA], [epochB, numberB]) => epochA - epochB || numberA - numberB;

/** The newest attempt of each subtask, by the files of the sink that commits nothing. */
const newestGenerations = (folder) => {
  const newest = new Map();
  for (const name of namesIn(join(folder, 'emitted'))) {
    const [subtask, generation] = name.split('-');
    const own = generation.split('.').map(Number);
    if (compareGenerations(own, newest.get(subtask) ?? [0, 0]) > 0) {
      newest.set(subtask, own);
    }
  }
  return newest;
};

/**
 * A TaskManager that is woken after it was replaced may still finish a hidden file of an attempt that is over, when its successor
 * has cleaned up: no checkpoint lists it, and the next start of the task removes it. Nothing else may be left.
 */
const leftOvers = (folder, { isFinished, pausedTasks }) => {
  const hidden = isFinished ? namesIn(join(folder, 'committed')).filter((name) => name.startsWith('.')) : [];
  const newest = newestGenerations(folder);
  return hidden.filter((name) => {
    const [, subtask, epoch, number] = /-(\d+)-(\d+)\.(\d+)-\d+\.[a-z]+$/.exec(name) ?? [];
    const isOver =
      epoch !== undefined && compareGenerations([Number(epoch), Number(number)], newest.get(subtask) ?? [0, 0]) < 0;
    return !(pausedTasks === true && isOver);
  });
};

/** Pairs of instants between which nothing new left a subtask of the sink that commits nothing. */
const emitGaps = (folder) => {
  const bySubtask = new Map();
  for (const name of namesIn(join(folder, 'emitted'))) {
    const subtask = name.split('-')[0];
    const records = bySubtask.get(subtask) ?? bySubtask.set(subtask, []).get(subtask);
    for (const line of linesOf(join(folder, 'emitted', name))) {
      const [split, index, atMs] = line.split(' ');
      // The last line of a killed process may be cut off.
      if (atMs !== undefined && atMs.length >= 13) {
        records.push({ split, index: Number(index), atMs: Number(atMs) });
      }
    }
  }
  const gaps = [];
  for (const records of bySubtask.values()) {
    const newest = new Map();
    let lastMs;
    for (const { split, index, atMs } of records.toSorted((a, b) => a.atMs - b.atMs)) {
      // What is written again after a restore is no progress.
      if (index > (newest.get(split) ?? -1)) {
        newest.set(split, index);
        if (lastMs !== undefined) {
          gaps.push([lastMs, atMs]);
        }
        lastMs = atMs;
      }
    }
  }
  return gaps;
};

/** A file gets its name when it is committed: its change time. */
const commitGaps = (folder) => {
  const bySubtask = new Map();
  for (const name of namesIn(join(folder, 'committed')).filter((each) => !each.startsWith('.'))) {
    const subtask = name.split('-')[1];
    const instants = bySubtask.get(subtask) ?? bySubtask.set(subtask, []).get(subtask);
    instants.push(statSync(join(folder, 'committed', name)).ctimeMs);
  }
  return [...bySubtask.values()].flatMap((instants) => {
    const sorted = instants.toSorted((a, b) => a - b);
    return sorted.slice(1).map((atMs, index) => [sorted[index], atMs]);
  });
};

/** The longest gap that ended within the window: that of a kill began before it. */
const longestIn = (gaps, fromMs, untilMs) => {
  const lengths = gaps.filter(([, until]) => until > fromMs && until <= untilMs).map(([from, until]) => until - from);
  return lengths.length === 0 ? null : Math.round(lengths.reduce((a, b) => Math.max(a, b)));
};

const finding = (kind, what, items) =>
  items.length === 0
    ? []
    : [
        {
          kind,
          text: `${items.length} ${what}: ${items.slice(0, SAMPLES).join('; ')}${items.length > SAMPLES ? '; ...' : ''}`,
        },
      ];

const judge = (folder, drill) => {
  const { times, counts, unreadable, total } = readCommitted(folder);
  const { expected, lost, doubled, foreign } = judgeRecords(times, endsOf(folder, drill));
  const miscounted = judgeCounts(counts);
  const opens = linesOf(join(folder, 'opens.log')).map((line) => Number(line.split(' ')[0]));
  const [emits, commits] = [emitGaps(folder), commitGaps(folder)];
  const rounds = drill.rounds.map(({ round, atMs, untilMs }) => ({
    round,
    emitGapMs: longestIn(emits, atMs, untilMs),
    commitGapMs: longestIn(commits, atMs, untilMs),
    taskStarts: opens.filter((openedMs) => openedMs >= atMs && openedMs < untilMs).length,
  }));
  const restarted = rounds.filter(({ taskStarts }, index) => taskStarts > 0 && drill.rounds[index].spares === 'tasks');
  return {
    records: {
      expected,
      committed: total,
      lost: lost.length,
      doubled: doubled.length,
      unexpected: foreign.length + unreadable.length,
      miscounted: miscounted.length,
    },
    quiet: {
      emitGapMs: longestIn(emits, drill.quiet.fromMs, drill.quiet.untilMs),
      commitGapMs: longestIn(commits, drill.quiet.fromMs, drill.quiet.untilMs),
    },
    rounds,
    findings: [
      ...finding('lost', 'records are lost', lost),
      ...finding('doubled', 'records were committed more than once', doubled),
      ...finding('unexpected', 'committed records are none that the job could write', [...foreign, ...unreadable]),
      ...finding('miscounted', 'numbers show a state that is not that of the records before', miscounted),
      ...finding('left-over', 'files were never committed nor removed', leftOvers(folder, drill)),
      ...restarted.map(({ round, taskStarts }) => ({
        kind: 'restarted',
        round,
        text: `round ${round}: ${taskStarts} tasks were started anew, although no TaskManager was touched`,
      })),
    ],
  };
};

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  fail('usage: node verify.mjs <folder of a drill>');
}
if (!existsSync(join(folder, 'drill.json'))) {
  fail(`${folder} has no drill.json: it is not the folder of a drill`);
}
const verdict = judge(folder, JSON.parse(readFileSync(join(folder, 'drill.json'), 'utf8')));
process.stdout.write(`${JSON.stringify(verdict, undefined, 2)}\n`);
process.exitCode = verdict.findings.length === 0 ? 0 : 1;
