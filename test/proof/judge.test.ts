import { describe, expect, test } from 'vitest';
import { judge } from './judge.ts';
import type { DrillData, PartName, Proof } from './proof.ts';
import { GREEN, GREEN_DRILL, LEADER_ROUND } from './sample.ts';

const problemsOf = (name: PartName, change: Partial<Proof>): readonly string[] => {
  const { isGreen, parts } = judge({ ...GREEN, ...change });
  const problems = parts.find((part) => part.name === name)!.problems;
  expect(isGreen).toBe(problems.length === 0);
  return problems;
};

const withRows = (rows: NonNullable<NonNullable<Proof['model']>['data']>['rows']): Partial<Proof> => ({
  model: { ...GREEN.model!, data: { rows } },
});
const ROWS = GREEN.model!.data!.rows;

const withSimulation = (change: Partial<NonNullable<NonNullable<Proof['simulation']>['data']>>): Partial<Proof> => ({
  simulation: { ...GREEN.simulation!, data: { ...GREEN.simulation!.data!, ...change } },
});

const withDrill = (change: Partial<DrillData>): Partial<Proof> => ({
  drills: {
    ...GREEN.drills!,
    data: { ...GREEN.drills!.data!, drills: [{ kind: 'leader killed', ...GREEN_DRILL, ...change }] },
  },
});

const withSabotages = (
  sabotages: NonNullable<NonNullable<Proof['sabotages']>['data']>['sabotages'],
): Partial<Proof> => ({
  sabotages: { ...GREEN.sabotages!, data: { sabotages } },
});
const SABOTAGES = GREEN.sabotages!.data!.sabotages;

describe('what a run came to', () => {
  test('is green where all is as it must be', () => {
    const verdict = judge(GREEN);
    expect(verdict.parts.flatMap(({ problems }) => problems)).toEqual([]);
    expect(verdict).toMatchObject({ isGreen: true, isWhole: true });
  });

  test('is not whole where a part was not run', () => {
    const { model: _, ...rest } = GREEN;
    expect(judge(rest)).toMatchObject({ isGreen: true, isWhole: false });
  });

  test.for(['model', 'simulation', 'mutants', 'sabotages', 'drills'] as const)('is red without data of %s', (name) => {
    const bare = { command: 'x', seconds: 0 };
    expect(problemsOf(name, { [name]: { ...bare, failure: 'spin not found\nmore' } })).toContain('spin not found');
    expect(problemsOf(name, { [name]: bare })).toEqual(['it came to nothing']);
  });

  test('the model has rows of each kind, and all are right', () => {
    expect(problemsOf('model', withRows([]))).toHaveLength(3);
    expect(problemsOf('model', withRows(ROWS.slice(0, 2)))).toEqual(['the model check has no row of the kind mutant']);
    expect(problemsOf('model', withRows(ROWS.map((row) => ({ ...row, ok: false }))))).toHaveLength(3);
  });

  test('a program that failed is a problem even where its data are right', () => {
    expect(problemsOf('model', { model: { ...GREEN.model!, failure: 'It ended with 3.' } })).toEqual([
      'It ended with 3.',
    ]);
  });

  test('a program that is not content is a problem that its data have to name', () => {
    expect(problemsOf('model', { model: { ...GREEN.model!, exitCode: 0 } })).toEqual([]);
    expect(problemsOf('model', { model: { ...GREEN.model!, exitCode: 1 } })).toHaveLength(1);
    const broken = { rows: ROWS.map((row, index) => ({ ...row, ok: index > 0 })) };
    expect(problemsOf('model', { model: { ...GREEN.model!, exitCode: 1, data: broken } })).toEqual([
      'takeover: the model violates a rule, or was not searched to its end',
    ]);
  });

  test('all schedules are played, without a violation, and came to what they had to', () => {
    expect(problemsOf('simulation', withSimulation({ schedules: 9 }))).toEqual(['1 schedule was not played']);
    expect(problemsOf('simulation', withSimulation({ missed: ['a false alarm'] }))).toHaveLength(1);
    const violation = { seed: 7, invariant: 'I3', message: 'no file', plan: [] };
    expect(problemsOf('simulation', withSimulation({ violations: [violation] }))).toEqual([
      'seed 7 violates I3: no file',
    ]);
  });

  test('each fault struck, and something at each point; of ten thousand schedules often enough', () => {
    const thin = ['leader dies @ submitting'];
    const never = [{ name: 'leader dies', hits: [0, 0] }];
    expect(problemsOf('simulation', withSimulation({ thin, faults: never }))).toEqual([]);
    expect(problemsOf('simulation', withSimulation({ thin, schedules: 1_000 }))).toEqual([]);
    expect(problemsOf('simulation', withSimulation({ schedules: 1_000, faults: never }))).toEqual([
      'never struck: leader dies',
      'nothing struck at: submitting',
      'nothing struck at: any time',
    ]);
    expect(problemsOf('simulation', withSimulation({ thin, schedules: 10_000 }))).toEqual([
      'tried too seldom: leader dies @ submitting',
    ]);
  });

  test('each mutant is caught, and there are some', () => {
    const [mutant] = GREEN.mutants!.data!.mutants;
    const withMutants = (mutants: readonly NonNullable<typeof mutant>[]): Partial<Proof> => ({
      mutants: { ...GREEN.mutants!, data: { first: 1, mutants } },
    });
    expect(problemsOf('mutants', withMutants([]))).toHaveLength(1);
    expect(problemsOf('mutants', withMutants([{ ...mutant!, isCaught: false }]))).toEqual([
      'no-fencing was not noticed by I2 in 4 schedules',
    ]);
  });

  test('each sabotage is found as what it is, and a slow cluster as nothing', () => {
    const [broken, slow] = SABOTAGES;
    const missed = { ...broken!, drill: GREEN_DRILL };
    const foundElse = { ...broken!, drill: { ...broken!.drill, findings: [{ kind: 'not-recovered', text: '' }] } };
    for (const wrong of [missed, foundElse, { ...broken!, drill: { ...GREEN_DRILL, failure: 'no cluster' } }]) {
      expect([wrong, problemsOf('sabotages', withSabotages([wrong, slow!]))]).toEqual([wrong, [expect.any(String)]]);
    }
    expect(problemsOf('sabotages', withSabotages([broken!, { ...slow!, drill: broken!.drill }]))).toHaveLength(1);
    expect(problemsOf('sabotages', withSabotages([slow!]))).toEqual(['no sabotage was tried']);
    expect(problemsOf('sabotages', withSabotages([broken!]))).toHaveLength(1);
  });

  test('drills are green, and measured what they are there for', () => {
    expect(problemsOf('drills', withDrill({ findings: [{ kind: 'lost', text: '1 record' }], verdict: 'red' }))).toEqual(
      ['drill 1 (leader killed): lost: 1 record'],
    );
    for (const change of [
      { verdict: 'red' },
      { failure: 'no cluster' },
      { rounds: [] },
      { rounds: [{ ...LEADER_ROUND, takeoverMs: null }] },
      { rounds: [{ ...LEADER_ROUND, taskRestarts: 1 }] },
      { records: { ...GREEN_DRILL.records!, committed: 0 } },
    ]) {
      expect([change, problemsOf('drills', withDrill(change))]).toEqual([change, [expect.any(String)]]);
    }
    const none = { ...GREEN.drills!, data: { ...GREEN.drills!.data!, drills: [] } };
    expect(problemsOf('drills', { drills: none })).toEqual(['1 drill was not run']);
  });
});
