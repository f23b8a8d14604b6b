import { spreadOf } from '../../../src/interfaces/cli/drill/report.ts';
import { counted, inWords, type Judged } from '../judge.ts';
import type { DrillRound, DrillsData, Part } from '../proof.ts';
import { axisOf, msText, strips, type Strip } from './charts.ts';
import { html, type Content, type Html } from './html.ts';
import { section } from './section.ts';
import { mark, table } from './table.ts';

type Drill = DrillsData['drills'][number];

interface Figure {
  readonly name: string;
  readonly says: string;
  readonly of: (round: DrillRound) => number | null;
  readonly text: (value: number) => string;
}

const TAKEOVER: Figure = {
  name: 'New leader',
  says: 'from the failure until another JobManager leads and says that the job runs, all its tasks included',
  of: ({ takeoverMs }) => takeoverMs,
  text: msText,
};
const CHECKPOINT: Figure = {
  name: 'Next checkpoint',
  says: 'from the failure until a checkpoint is complete that was triggered after it',
  of: ({ nextCheckpointMs }) => nextCheckpointMs,
  text: msText,
};
const EMIT_GAP: Figure = {
  name: 'Longest gap in the output',
  says: 'between two new records of a subtask of a sink that commits nothing',
  of: ({ emitGapMs }) => emitGapMs,
  text: msText,
};
const COMMIT_GAP: Figure = {
  name: 'Longest gap between commits',
  says: 'of a subtask of the exactly-once sink, which commits with each checkpoint (1 s)',
  of: ({ commitGapMs }) => commitGapMs,
  text: msText,
};
const RESTARTS: Figure = {
  name: 'Tasks restarted',
  says: 'counted by the tasks themselves',
  of: ({ taskRestarts }) => taskRestarts,
  text: String,
};

const FIGURES = [TAKEOVER, CHECKPOINT, EMIT_GAP, COMMIT_GAP, RESTARTS];
/** Those that a picture says more of than three numbers. */
const PICTURED = [TAKEOVER, CHECKPOINT, EMIT_GAP];

const valuesOf = ({ of }: Figure, drills: readonly Drill[]): readonly number[] =>
  drills.flatMap(({ rounds }) => rounds.map(of)).filter((value) => value !== null);

const spreads = (byKind: ReadonlyMap<string, readonly Drill[]>): Html =>
  table(
    'Times, over all failures of a kind',
    [
      { head: 'Done to the cluster' },
      { head: 'Figure' },
      ...['Failures', 'p50', 'p99', 'max'].map((head) => ({ head, isNumber: true })),
    ],
    [...byKind].flatMap(([kind, drills]) =>
      FIGURES.flatMap((figure) => {
        const spread = spreadOf(valuesOf(figure, drills));
        return spread === undefined
          ? []
          : [
              {
                cells: [
                  figure === firstOf(drills) ? kind : '',
                  figure.name,
                  spread.count,
                  ...[spread.p50, spread.p99, spread.max].map(figure.text),
                ],
              },
            ];
      }),
    ),
  );

/** The figure that begins the lines of a kind. */
const firstOf = (drills: readonly Drill[]): Figure | undefined =>
  FIGURES.find((figure) => valuesOf(figure, drills).length > 0);

const stripOf = (label: string, values: readonly number[]): readonly Strip[] => {
  const spread = spreadOf(values);
  return spread === undefined ? [] : [{ label, values, p50: spread.p50 }];
};

const pictures = (byKind: ReadonlyMap<string, readonly Drill[]>): readonly Html[] => {
  const quiet = [...byKind.values()].flat().map((drill) => drill.quiet?.emitGapMs ?? null);
  const pictured = PICTURED.map((figure) => ({
    figure,
    rows: [
      ...[...byKind].flatMap(([label, drills]) => stripOf(label, valuesOf(figure, drills))),
      ...(figure === EMIT_GAP
        ? stripOf(
            'quiet, before',
            quiet.filter((value) => value !== null),
          )
        : []),
    ],
  }));
  const axis = axisOf(pictured.flatMap(({ rows }) => rows.flatMap(({ values }) => values)));
  return pictured
    .filter(({ rows }) => rows.length > 0)
    .map(
      ({ figure, rows }) =>
        html`<figure>
          <figcaption><strong>${figure.name}</strong>: ${figure.says}.</figcaption>
          ${strips(rows, axis)}
        </figure>`,
    );
};

const rangeText = (values: readonly (number | null)[]): string => {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? '' : msText(Math.max(...known));
};

const drillCells = (drill: Drill, index: number): readonly Content[] => {
  const { kind, seed, rounds, records, verdict, findings } = drill;
  const isGreen = verdict === 'green' && findings.length === 0;
  return [
    index + 1,
    mark(isGreen, isGreen ? 'green' : (verdict ?? 'no verdict')),
    kind,
    seed,
    rounds.length,
    rangeText(rounds.map(TAKEOVER.of)),
    rangeText(rounds.map(CHECKPOINT.of)),
    rangeText(rounds.map(EMIT_GAP.of)),
    rounds.reduce((sum, { taskRestarts }) => sum + taskRestarts, 0),
    records === undefined ? '' : inWords(records.expected),
    records === undefined ? '' : inWords(records.doubled),
    records === undefined ? '' : inWords(records.lost),
  ];
};

const eachDrill = (drills: readonly Drill[]): Html =>
  table(
    'Each drill',
    [
      { head: 'Drill', isNumber: true },
      { head: 'Verdict' },
      { head: 'Done to the cluster' },
      ...['Seed', 'Times', 'New leader', 'Next checkpoint', 'Output gap', 'Tasks restarted'].map((head) => ({
        head,
        isNumber: true,
      })),
      ...['Records', 'Repeated', 'Missing'].map((head) => ({ head, isNumber: true })),
    ],
    drills.map((drill, index) => ({
      cells: drillCells(drill, index),
      isWrong: drill.verdict !== 'green' || drill.findings.length > 0,
    })),
  );

export const drillsSection = (judged: Judged, part: Part<DrillsData>): Html =>
  section(judged, part, {
    shows: html`Real processes of this machine are killed (<code>kill -9</code>) and paused (SIGSTOP for 8 s, longer
      than a lease) while a job counts; then a program that knows nothing of Millrace reads the committed files and
      looks for every record, once. A new leader must take over without restarting a single task.`,
    body: ({ jobManagers, taskManagers, drills }) => {
      const byKind = Map.groupBy(drills, ({ kind }) => kind);
      return [
        html`<p>
          A cluster of ${counted(jobManagers, 'JobManager')} and ${counted(taskManagers, 'TaskManager')} with the
          default configuration. The times include whatever else the machine did. The splits of the sources are handed
          out by the leader: while a leader is paused, a source that has read its split to the end waits for the next
          one, which is a gap in the output. Sources that read on without a new split have none
          (benchmarks/results/failover.md).
        </p>`,
        html`<h3>How long it took</h3>
          <p>Each dot is a failure, a line their median; all on one scale.</p>`,
        pictures(byKind),
        spreads(byKind),
        html`<h3>Each drill</h3>
          <p>Times are the longest of the drill.</p>`,
        eachDrill(drills),
      ];
    },
    raw: (data) => data,
  });
