import { counted, inWords, type Judged, type Verdict } from '../judge.ts';
import type { Proof } from '../proof.ts';

export const headline = ({ isGreen, isWhole }: Verdict): string =>
  !isGreen
    ? 'Not everything is as it must be'
    : isWhole
      ? 'Everything is as it must be'
      : 'What was run is as it must be';

/** The verdict in one sentence. */
export const sentence = (proof: Proof, { isGreen, isWhole, parts }: Verdict): string => {
  if (!isGreen) {
    const wrong = parts.filter(({ problems }) => problems.length > 0);
    const which = wrong.map(({ name, problems }) => `${NAMES[name]} (${counted(problems.length, 'problem')})`);
    return `${counted(wrong.length, 'part')} of ${parts.length} came to something that must not be: ${listed(which)}.`;
  }
  const said = listed(parts.flatMap((part) => SAID[part.name](proof)));
  return isWhole ? `${capital(said)}.` : `${capital(said)}; the other parts were not run.`;
};

const NAMES: Readonly<Record<Judged['name'], string>> = {
  model: 'the model check',
  simulation: 'the simulated schedules',
  mutants: 'the broken versions of the simulation',
  sabotages: 'the sabotaged processes',
  drills: 'the drills',
};

/** Of parts that are as they must be. */
const SAID: Readonly<Record<Judged['name'], (proof: Proof) => readonly string[]>> = {
  model: ({ model }) => {
    const states = (model?.data?.rows ?? [])
      .filter(({ kind }) => kind === 'sound')
      .reduce((sum, row) => sum + row.states, 0);
    return model === undefined
      ? []
      : [`a complete search of ${inWords(states)} states of the protocol found no violation`];
  },
  simulation: ({ simulation }) =>
    simulation?.data === undefined
      ? []
      : [`${counted(simulation.data.schedules, 'simulated schedule')} violated nothing`],
  mutants: ({ mutants }) =>
    mutants?.data === undefined ? [] : [`all ${mutants.data.mutants.length} broken versions of the code were noticed`],
  sabotages: ({ sabotages }) => {
    const broken = (sabotages?.data?.sabotages ?? []).filter(({ finds }) => finds !== undefined);
    return sabotages === undefined ? [] : [`all ${broken.length} sabotaged clusters were reported`];
  },
  drills: ({ drills }) => {
    const all = drills?.data?.drills ?? [];
    const failures = all.reduce((sum, { rounds }) => sum + rounds.length, 0);
    return drills === undefined
      ? []
      : [
          `${counted(failures, 'failure')} in ${counted(all.length, 'drill')} with real processes lost and repeated no record`,
        ];
  },
};

const listed = (texts: readonly string[]): string =>
  texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
