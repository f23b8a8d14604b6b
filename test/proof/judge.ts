import { RARE_FROM, WHOLE_RUN } from '../simulation/run/summary.ts';
import { PARTS, type DrillData, type Part, type PartName, type Proof, type SimulationData } from './proof.ts';

/** What a part came to. */
export interface Judged {
  readonly name: PartName;
  /** Missing: it was not run. */
  readonly seconds?: number;
  /** In a few words. */
  readonly result: string;
  /** All that is not as it must be. */
  readonly problems: readonly string[];
}

export interface Verdict {
  readonly isGreen: boolean;
  /** All parts were run. */
  readonly isWhole: boolean;
  readonly parts: readonly Judged[];
}

/** Pure: the same data has the same verdict, whoever looks. */
export const judge = (proof: Proof): Verdict => {
  const parts = PARTS.map((name) => judgePart(name, proof));
  return {
    isGreen: parts.every(({ problems }) => problems.length === 0),
    isWhole: parts.every(({ seconds }) => seconds !== undefined),
    parts,
  };
};

const judgePart = (name: PartName, proof: Proof): Judged => {
  const part: Part<unknown> | undefined = proof[name];
  if (part === undefined) {
    return { name, result: 'not run', problems: [] };
  }
  const failures = part.failure === undefined ? [] : [part.failure.split('\n')[0]!];
  const { result, problems } = part.data === undefined ? NOTHING : CAME_TO[name](proof);
  const hasNone = part.data === undefined && failures.length === 0 ? ['it came to nothing'] : [];
  const all = [...failures, ...problems, ...hasNone];
  const isUnexplained = all.length === 0 && (part.exitCode ?? 0) !== 0;
  const unexplained = isUnexplained ? [`its program ended with ${part.exitCode}, and its data do not say why`] : [];
  return { name, seconds: part.seconds, result, problems: [...all, ...unexplained] };
};

type CameTo = Pick<Judged, 'result' | 'problems'>;
const NOTHING: CameTo = { result: 'no result', problems: [] };

/** With thousands separated. */
export const inWords = (count: number): string => count.toLocaleString('en-US');

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${inWords(count)} ${count === 1 ? one : many}`;

const ofModel = ({ model }: Proof): CameTo => {
  const rows = model?.data?.rows ?? [];
  const mutants = rows.filter(({ kind }) => kind === 'mutant');
  const states = rows.filter(({ kind }) => kind === 'sound').reduce((sum, row) => sum + row.states, 0);
  const missing = (['sound', 'reach', 'mutant'] as const).filter((kind) => rows.every((row) => row.kind !== kind));
  return {
    result: `${inWords(states)} states, ${mutants.filter(({ ok }) => ok).length} of ${counted(mutants.length, 'broken model')} noticed`,
    problems: [
      ...missing.map((kind) => `the model check has no row of the kind ${kind}`),
      ...rows.filter(({ ok }) => !ok).map(({ name, kind }) => `${name}: ${MODEL_WRONG[kind]}`),
    ],
  };
};

const MODEL_WRONG = {
  sound: 'the model violates a rule, or was not searched to its end',
  reach: 'a situation that must be possible is not',
  mutant: 'a broken model was not noticed',
} as const;

const ofSimulation = ({ simulation, about }: Proof): CameTo => {
  const data = simulation?.data;
  if (data === undefined) {
    return NOTHING;
  }
  const { schedules, violations, missed } = data;
  const short = about.sizes.seeds - schedules;
  return {
    result: `${counted(schedules, 'schedule')}, ${counted(violations.length, 'violation')}`,
    problems: [
      ...violations.map(({ seed, invariant, message }) => `seed ${seed} violates ${invariant}: ${message}`),
      ...missed.map((state) => `no schedule came to: ${state}`),
      ...untried(data),
      ...(short > 0 ? [`${counted(short, 'schedule was', 'schedules were')} not played`] : []),
    ],
  };
};

/** Whether a table is of so many schedules that a cell which was hit seldom is no chance. */
export const isOfWholeRun = ({ schedules }: SimulationData): boolean => schedules >= WHOLE_RUN;

/** Of fewer schedules: faults that struck nowhere, and points where nothing struck. */
const untried = (data: SimulationData): readonly string[] => {
  const { schedules, faults, points, thin } = data;
  if (schedules < RARE_FROM) {
    return [];
  }
  return isOfWholeRun(data)
    ? thin.map((cell) => `tried too seldom: ${cell}`)
    : [
        ...faults.filter(({ hits }) => hits.every((times) => times === 0)).map(({ name }) => `never struck: ${name}`),
        ...points
          .filter((_, index) => faults.every(({ hits }) => hits[index] === 0))
          .map((point) => `nothing struck at: ${point}`),
      ];
};

const ofMutants = ({ mutants }: Proof): CameTo => {
  const hunted = mutants?.data?.mutants ?? [];
  const caught = hunted.filter(({ isCaught }) => isCaught);
  return {
    result: `${caught.length} of ${counted(hunted.length, 'broken version')} noticed`,
    problems: [
      ...(hunted.length === 0 ? ['no broken version was tried'] : []),
      ...hunted
        .filter(({ isCaught }) => !isCaught)
        .map(
          ({ name, invariant, schedules }) =>
            `${name} was not noticed by ${invariant} in ${counted(schedules, 'schedule')}`,
        ),
    ],
  };
};

/** Whether the drill said of a sabotage what it has to say. */
export const isReported = (finds: string | undefined, { verdict, findings }: DrillData): boolean =>
  finds === undefined
    ? verdict === 'green' && findings.length === 0
    : verdict === 'red' && findings.some(({ kind }) => kind === finds);

const ofSabotages = ({ sabotages }: Proof): CameTo => {
  const all = sabotages?.data?.sabotages ?? [];
  const broken = all.filter(({ finds }) => finds !== undefined);
  const sound = all.filter(({ finds }) => finds === undefined);
  const said = ({ failure, findings, verdict }: DrillData): string =>
    failure?.split('\n')[0] ??
    `the drill was ${verdict} and found ${findings.map(({ kind }) => kind).join(', ') || 'nothing'}`;
  return {
    result: `${broken.filter(({ finds, drill }) => isReported(finds, drill)).length} of ${counted(broken.length, 'sabotage')} reported`,
    problems: [
      ...(broken.length === 0 ? ['no sabotage was tried'] : []),
      ...(sound.length === 0 ? ['no cluster without a sabotage was tried'] : []),
      ...all
        .filter(({ finds, drill }) => !isReported(finds, drill))
        .map(({ name, finds, drill }) => `${name} has to be ${finds ?? 'green'}: ${said(drill)}`),
    ],
  };
};

const ofDrills = ({ drills, about }: Proof): CameTo => {
  const all = drills?.data?.drills ?? [];
  const short = about.sizes.drills - all.length;
  const failures = all.reduce((sum, { rounds }) => sum + rounds.length, 0);
  const records = all.reduce((sum, drill) => sum + (drill.records?.expected ?? 0), 0);
  return {
    result: `${counted(all.length, 'drill')}, ${counted(failures, 'failure')}, ${counted(records, 'record')} recounted`,
    problems: [
      ...(short > 0 ? [`${counted(short, 'drill was', 'drills were')} not run`] : []),
      ...all.flatMap((drill, index) =>
        problemsOf(drill).map((problem) => `drill ${index + 1} (${drill.kind}): ${problem}`),
      ),
    ],
  };
};

/** What the drill and the verifier found, and what they should have measured and did not. */
const problemsOf = (drill: DrillData): readonly string[] => {
  const { failure, verdict, findings, records, rounds } = drill;
  if (failure !== undefined) {
    return [failure.split('\n')[0]!];
  }
  const ofLeader = rounds.filter(({ role }) => role === 'leader');
  return [
    ...findings.map(({ kind, text }) => `${kind}: ${text}`),
    ...(verdict === 'green' || findings.length > 0 ? [] : [`it was ${verdict}`]),
    ...(records === undefined || records.committed === 0 ? ['no record was counted'] : []),
    ...(rounds.length === 0 ? ['nothing was done to the cluster'] : []),
    ...ofLeader.filter(({ takeoverMs }) => takeoverMs === null).map(({ round }) => `round ${round}: nobody took over`),
    ...ofLeader
      .filter(({ taskRestarts }) => taskRestarts > 0)
      .map(({ round }) => `round ${round}: tasks were restarted`),
  ];
};

const CAME_TO: Readonly<Record<PartName, (proof: Proof) => CameTo>> = {
  model: ofModel,
  simulation: ofSimulation,
  mutants: ofMutants,
  sabotages: ofSabotages,
  drills: ofDrills,
};
