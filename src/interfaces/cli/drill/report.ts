import { alignedLines } from '../aligned-lines.ts';
import type { DoneRound } from './drill-rounds.ts';
import type { DrillAction, DrillRequest } from './drill-request.ts';
import type { Finding, Verdict } from './verdict.ts';

/** Everything a drill found out. */
export interface DrillReport {
  readonly request: DrillRequest;
  readonly clusterFolder: string;
  readonly parallelism: number;
  readonly rounds: readonly DoneRound[];
  readonly verdict: Verdict;
  /** With those of the verifier. */
  readonly findings: readonly Finding[];
  /** Where its files were kept. */
  readonly keptIn: string | undefined;
}

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const FIGURES = ['takeover', 'next checkpoint', 'emit gap', 'commit gap', 'task restarts'] as const;
type Figure = (typeof FIGURES)[number];

/** Nearest rank. */
export const spreadOf = (values: readonly number[]): Spread | undefined => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return sorted.length === 0 ? undefined : { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
};

interface MeasuredRound extends Omit<DoneRound, 'takeoverMs' | 'nextCheckpointMs'> {
  readonly takeoverMs: number | null;
  readonly nextCheckpointMs: number | null;
  readonly emitGapMs: number | null;
  readonly commitGapMs: number | null;
  readonly taskRestarts: number;
}

const measuredRounds = ({ rounds, verdict }: DrillReport): readonly MeasuredRound[] =>
  rounds.map((done) => {
    const counted = verdict.rounds.find(({ round }) => round === done.round);
    return {
      ...done,
      takeoverMs: done.takeoverMs ?? null,
      nextCheckpointMs: done.nextCheckpointMs ?? null,
      emitGapMs: counted?.emitGapMs ?? null,
      commitGapMs: counted?.commitGapMs ?? null,
      taskRestarts: counted?.taskStarts ?? 0,
    };
  });

const valueOf = (figure: Figure, round: MeasuredRound): number | null => {
  switch (figure) {
    case 'takeover':
      return round.takeoverMs;
    case 'next checkpoint':
      return round.nextCheckpointMs;
    case 'emit gap':
      return round.emitGapMs;
    case 'commit gap':
      return round.commitGapMs;
    case 'task restarts':
      return round.taskRestarts;
  }
};

const DONE: Readonly<Record<DrillAction, string>> = { kill: 'killed', pause: 'paused', cut: 'cut off' };

/** Rounds of one kind apart from those of another: a mean of both would say nothing. */
const groups = (report: DrillReport): ReadonlyMap<string, readonly MeasuredRound[]> =>
  Map.groupBy(measuredRounds(report), ({ action, role }) => `${role} ${DONE[action]}`);

export const reportLines = (report: DrillReport): readonly string[] => {
  const { verdict, request } = report;
  const { quiet, records } = verdict;
  const rows = [['What', 'Rounds', 'Figure', 'p50', 'p99', 'max']];
  for (const [figure, value] of [['emit gap', quiet.emitGapMs] as const, ['commit gap', quiet.commitGapMs] as const]) {
    rows.push(['quiet', '-', figure, '-', '-', value === null ? '-' : `${value} ms`]);
  }
  for (const [what, rounds] of groups(report)) {
    for (const figure of FIGURES) {
      const spread = spreadOf(rounds.map((round) => valueOf(figure, round)).filter((value) => value !== null));
      if (spread !== undefined) {
        const unit = figure === 'task restarts' ? '' : ' ms';
        const texts = [spread.p50, spread.p99, spread.max].map((value) => `${value}${unit}`);
        rows.push([what, String(rounds.length), figure, ...texts]);
      }
    }
  }
  return [
    ...alignedLines(rows),
    '',
    `records: ${records.expected} expected, ${records.committed} committed, ${records.lost} lost, ${records.doubled} doubled, ` +
      `${records.miscounted} counted with a wrong state`,
    `seed ${request.seed}: --seed ${request.seed} draws the same rounds`,
    ...report.findings.map(({ kind, text }) => `FINDING ${kind}: ${text}`),
    report.findings.length === 0 ? 'Verdict: green' : `Verdict: RED, ${report.findings.length} findings`,
    ...(report.keptIn === undefined ? [] : [`The files of the drill are kept in ${report.keptIn}`]),
  ];
};

/** For scripts; docs/drill.md describes it. */
export const reportJson = (report: DrillReport): object => {
  const rounds = measuredRounds(report);
  const figures = Object.fromEntries(
    [...groups(report)].map(([what, own]) => [
      what,
      Object.fromEntries(
        FIGURES.flatMap((figure) => {
          const spread = spreadOf(own.map((round) => valueOf(figure, round)).filter((value) => value !== null));
          return spread === undefined ? [] : [[figure, spread]];
        }),
      ),
    ]),
  );
  return {
    verdict: report.findings.length === 0 ? 'green' : 'red',
    seed: report.request.seed,
    cluster: report.clusterFolder,
    parallelism: report.parallelism,
    findings: report.findings,
    records: report.verdict.records,
    quiet: report.verdict.quiet,
    figures,
    rounds,
    ...(report.keptIn === undefined ? {} : { files: report.keptIn }),
  };
};
