import { figureLine, percentile } from '../report.ts';
import type { Kind, Line } from './rounds.ts';

/** Of the defaults: the lease of the embedded store, the heartbeat timeout. */
const LEASE_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 6_000;
const INTERVAL_MS = 1_000;

interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const spreadOf = (
  lines: readonly Line[],
  column: 'grantedMs' | 'takeoverMs' | 'beyondMs' | 'emitGapMs' | 'commitGapMs',
): Spread => {
  const values = lines.map((line) => line[column] ?? Number.NaN);
  return { p50: percentile(values, 0.5), p99: percentile(values, 0.99), max: Math.max(...values) };
};

const shown = ({ p50, p99, max }: Spread): string =>
  `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${max.toFixed(0)} ms`;

const under = (spread: Spread, limitMs: number) => ({ text: `p99 under ${limitMs} ms`, holds: spread.p99 < limitMs });

/** p50, p99 and max of what was seen, with what is wanted. */
export const printSummary = (kind: Kind, lines: readonly Line[]): void => {
  const failures = lines.filter(({ stretch }) => stretch === 'failure');
  const quiet = lines.filter(({ stretch }) => stretch === 'quiet');
  const name = (what: string): string => `${kind}: ${what}`;
  figureLine(name('how often'), `${failures.length}, as many quiet stretches`);
  const waiting = lines.map((line) => line.waiting);
  const load = lines.map((line) => line.load);
  figureLine(
    name('the machine'),
    `load p50 ${percentile(load, 0.5).toFixed(1)}, max ${Math.max(...load).toFixed(1)}; something waits for a core ` +
      `${(percentile(waiting, 0.5) * 100).toFixed(0)} % of the time`,
  );
  if (kind.startsWith('leader')) {
    printLeader(kind, failures, quiet);
  } else {
    const beyond = spreadOf(failures, 'beyondMs');
    const limitMs = kind === 'taskmanager-killed' ? 1_000 : HEARTBEAT_TIMEOUT_MS + 1_000;
    figureLine(name('first record beyond'), shown(beyond), under(beyond, limitMs));
    figureLine(name('commit gap'), shown(spreadOf(failures, 'commitGapMs')));
    figureLine(name('quiet: emit gap'), shown(spreadOf(quiet, 'emitGapMs')));
  }
};

const printLeader = (kind: Kind, failures: readonly Line[], quiet: readonly Line[]): void => {
  const name = (what: string): string => `${kind}: ${what}`;
  const takeover = spreadOf(failures, 'takeoverMs');
  figureLine(name('granted'), shown(spreadOf(failures, 'grantedMs')));
  const isKill = kind === 'leader-killed';
  figureLine(name('takeover'), shown(takeover), under(takeover, isKill ? 200 : LEASE_MS + 500));
  const emit = spreadOf(failures, 'emitGapMs');
  if (!Number.isNaN(emit.p50)) {
    const calm = spreadOf(quiet, 'emitGapMs');
    figureLine(name('emit gap'), shown(emit), under(emit, 100));
    figureLine(name('quiet: emit gap'), shown(calm), {
      text: `at least half of it (p99: ${(emit.p99 / calm.p99).toFixed(2)} x)`,
      holds: emit.p99 <= 2 * calm.p99,
    });
    const commit = spreadOf(failures, 'commitGapMs');
    const limitMs = INTERVAL_MS + 500 + (isKill ? 0 : LEASE_MS);
    figureLine(name('commit gap'), shown(commit), under(commit, limitMs));
    figureLine(name('quiet: commit gap'), shown(spreadOf(quiet, 'commitGapMs')));
    const restarts = failures.reduce((sum, line) => sum + line.restarts, 0);
    figureLine(name('restarts of tasks'), String(restarts), { text: '0', holds: restarts === 0 });
  }
  const mb = Math.max(...failures.map(({ leaderMb }) => leaderMb));
  figureLine(name('leader, resident'), `max ${mb} MB`, { text: 'under 1024 MB', holds: mb < 1_024 });
};
