import { percentile } from '../report.ts';
import { isOfLeader, KINDS, type Kind, type Line } from './rounds.ts';
import type { FailoverStore } from './store.ts';

/** The default of the heartbeat timeout. The probe's interval. */
const HEARTBEAT_TIMEOUT_MS = 6_000;
const INTERVAL_MS = 1_000;
const MEMORY_MB = 1_024;

const TAKEOVER_MS = 200;
const BEYOND_MS: Readonly<Partial<Record<Kind, number>>> = {
  'taskmanager-killed': 1_000,
  'taskmanager-paused': HEARTBEAT_TIMEOUT_MS + 1_000,
};

/** One line of the result; `wanted` is empty where nothing is. */
export interface Figure {
  readonly what: string;
  readonly p50: string;
  readonly p99: string;
  readonly max: string;
  readonly wanted: string;
  readonly verdict: '' | 'ok' | `short by ${string}`;
}

interface Bound {
  readonly text: string;
  readonly by: 'p99' | 'max';
  readonly limit: number;
}

type Column =
  | 'leaderRanMs'
  | 'leaderWaitedMs'
  | 'grantedMs'
  | 'takeoverMs'
  | 'beyondMs'
  | 'emitGapMs'
  | 'commitGapMs'
  | 'restarts'
  | 'leaderChanges'
  | 'leaderMb'
  | 'load';

const figureOf = (what: string, lines: readonly Line[], column: Column, unit: string, bound?: Bound): Figure[] => {
  const values = lines.flatMap((line) => line[column] ?? []);
  if (values.length === 0) {
    return [];
  }
  const spread = { p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: Math.max(...values) };
  const shown = (value: number): string => `${value.toFixed(column === 'load' ? 1 : 0)}${unit}`;
  const over = bound === undefined ? 0 : spread[bound.by] - bound.limit;
  return [
    {
      what,
      p50: shown(spread.p50),
      p99: shown(spread.p99),
      max: shown(spread.max),
      wanted: bound === undefined ? '' : `${bound.by} ${bound.text}`,
      verdict: bound === undefined ? '' : over <= 0 ? 'ok' : `short by ${shown(over)}`,
    },
  ];
};

const atMost = (limit: number, unit: string, by: Bound['by'] = 'p99'): Bound => ({
  text: `at most ${limit}${unit}`,
  by,
  limit,
});

const shareOf = (lines: readonly Line[], column: 'waitedForCore' | 'waitedForDisk'): string =>
  `${(
    percentile(
      lines.map((line) => line[column]),
      0.5,
    ) * 100
  ).toFixed(0)} %`;

/** What was seen of one kind, and what is wanted. */
export const figuresOf = (kind: Kind, lines: readonly Line[], store: FailoverStore): readonly Figure[] => {
  const failures = lines.filter(({ stretch }) => stretch === 'failure');
  const quiet = lines.filter(({ stretch }) => stretch === 'quiet');
  const ms = (what: string, column: Column, limit?: number): Figure[] =>
    figureOf(what, failures, column, ' ms', limit === undefined ? undefined : atMost(limit, ' ms'));
  const ofQuiet = (what: string, column: Column): Figure[] => figureOf(`${what}, quiet`, quiet, column, ' ms');
  const emit = [
    ...ms('emit gap', 'emitGapMs', isOfLeader(kind) ? 100 : undefined),
    ...ofQuiet('emit gap', 'emitGapMs'),
  ];
  if (!isOfLeader(kind)) {
    return [
      ...ms('first record beyond', 'beyondMs', BEYOND_MS[kind]),
      ...emit,
      ...ms('commit gap', 'commitGapMs'),
      ...ofQuiet('commit gap', 'commitGapMs'),
    ];
  }
  if (kind === 'store-leader-killed') {
    return [
      ...emit,
      ...emitAgainstQuiet(failures, quiet),
      ...ms('commit gap', 'commitGapMs'),
      ...ofQuiet('commit gap', 'commitGapMs'),
      ...figureOf('changes of the leader', failures, 'leaderChanges', '', atMost(0, '', 'max')),
      ...figureOf('restarts of tasks', failures, 'restarts', '', atMost(0, '', 'max')),
    ];
  }
  const commitLimitMs = INTERVAL_MS + (kind === 'leader-paused' ? store.hostLossMs : 500);
  return [
    ...ms('leadership granted', 'grantedMs'),
    ...ms('takeover', 'takeoverMs', kind === 'leader-paused' ? store.hostLossMs : TAKEOVER_MS),
    ...ms('in it the new leader ran', 'leaderRanMs'),
    ...ms('and waited for a core', 'leaderWaitedMs'),
    ...emit,
    ...emitAgainstQuiet(failures, quiet),
    ...ms('commit gap', 'commitGapMs', commitLimitMs),
    ...ofQuiet('commit gap', 'commitGapMs'),
    ...figureOf('restarts of tasks', failures, 'restarts', '', atMost(0, '', 'max')),
    ...figureOf('leader, resident', failures, 'leaderMb', ' MB', atMost(MEMORY_MB, ' MB', 'max')),
  ];
};

const emitAgainstQuiet = (failures: readonly Line[], quiet: readonly Line[]): Figure[] => {
  const [failing, calm] = [failures, quiet].map((lines) =>
    percentile(
      lines.flatMap(({ emitGapMs }) => emitGapMs ?? []),
      0.99,
    ),
  ) as [number, number];
  if (Number.isNaN(failing)) {
    return [];
  }
  const ratio = failing / calm;
  return [
    {
      what: 'emit gap against quiet',
      p50: '',
      p99: `${ratio.toFixed(2)} x`,
      max: '',
      wanted: 'p99 at most 2 x',
      verdict: ratio <= 2 ? 'ok' : `short by ${(ratio - 2).toFixed(2)} x`,
    },
  ];
};

const machineText = (lines: readonly Line[]): string => {
  const load = lines.map((line) => line.load);
  return (
    `load p50 ${percentile(load, 0.5).toFixed(1)}, max ${Math.max(...load).toFixed(1)}; at the median ${shareOf(lines, 'waitedForCore')} of ` +
    `a stretch something waited for a core, ${shareOf(lines, 'waitedForDisk')} for a disk`
  );
};

const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)));
  const lineOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  return [lineOf(rows[0]!), lineOf(widths.map((width) => '-'.repeat(width))), ...rows.slice(1).map(lineOf)];
};

/** As text that is a table in Markdown too. */
export const summaryOf = (lines: readonly Line[], machine: string, store: FailoverStore): string => {
  const parts = [`${machine} With ${store.name}.`];
  for (const kind of KINDS) {
    const own = lines.filter((line) => line.kind === kind);
    if (own.length > 0) {
      const rows = figuresOf(kind, own, store).map(({ what, p50, p99, max, wanted, verdict }) => [
        what,
        p50,
        p99,
        max,
        wanted,
        verdict,
      ]);
      parts.push(
        `## ${kind}, ${timesText(own.length / 2)}`,
        table([['figure', 'p50', 'p99', 'max', 'wanted', 'verdict'], ...rows]).join('\n'),
        `${machineText(own)}.`,
      );
    }
  }
  return `${parts.join('\n\n')}\n`;
};

const timesText = (times: number): string => (times === 1 ? 'once' : `${times} times`);
