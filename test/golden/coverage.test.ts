import { expect, test } from 'vitest';
import * as api from '../../src/pipeline/api/index.ts';
import * as custom from '../../src/pipeline/connectors/custom/index.ts';
import * as file from '../../src/pipeline/connectors/file/index.ts';
import * as generator from '../../src/pipeline/connectors/generator/index.ts';
import { STATE_KINDS } from '../../src/runtime/state/heap/state-kind.ts';
import { GOLDEN_CASES } from './jobs/cases/all-cases.ts';

/** What keeps nothing that a kill could lose, and why. */
const WITHOUT_STATE: Readonly<Record<string, string>> = {
  job: 'defines a job',
  'DataStream.print': 'shows records as they come; a restore may repeat lines',
  'DataStream.blackhole': 'drops what it gets',
  'StreamExecutionEnvironment.from': 'its sources have cases of their own',
  'StreamExecutionEnvironment.enableCheckpointing': 'a setting',
  'StreamExecutionEnvironment.disableOperatorChaining': 'a setting',
  'StreamExecutionEnvironment.setRestartStrategy': 'a setting',
  'StreamExecutionEnvironment.configure': 'a setting',
};

/** Their output does not survive the process that reads it: restored within one process, by the named test. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'DataStream.collect': 'restore.test.ts',
};

/** Settings of an operator, of the same name on streams and sinks. */
const SETTINGS: ReadonlySet<string> = new Set([
  'name',
  'uid',
  'setParallelism',
  'setMaxParallelism',
  'startNewChain',
  'disableChaining',
  'slotSharingGroup',
]);

/** Protected methods, which reflection sees. */
const INTERNAL: ReadonlySet<string> = new Set(['DataStream.transform', 'DataStream.partitioned']);

/** Kinds of state that built-in operators use, behind methods that have cases. */
const INTERNAL_KINDS: ReadonlySet<string> = new Set(['table', 'mapTable']);

type Class = { readonly name: string; readonly prototype: object };

const isClass = (value: unknown): value is Class => typeof value === 'function' && /^class\b/.test(String(value));

const methodsOf = (owner: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(owner)).flatMap(([name, { value }]) =>
    typeof value === 'function' && name !== 'constructor' ? [name] : [],
  );

/** Everything that a job can be drawn with, by the name that golden cases use. */
const offered = (): string[] => {
  const exported = [api, custom, file, generator].flatMap((entry) => Object.entries(entry));
  const names = exported.flatMap(([name, value]): string[] => {
    if (!isClass(value)) {
      return typeof value === 'function' ? [name] : [];
    }
    const methods = [...methodsOf(value.prototype), ...methodsOf(value)];
    return methods.filter((method) => !SETTINGS.has(method)).map((method) => `${name}.${method}`);
  });
  const kinds = Object.keys(STATE_KINDS).filter((kind) => !INTERNAL_KINDS.has(kind));
  return [
    ...names.filter((name) => !INTERNAL.has(name)),
    ...kinds.map((kind) => `state ${kind}`),
    'operator state split',
    'operator state union',
  ];
};

test('everything that keeps state has a golden job', () => {
  const covered = new Set([
    ...GOLDEN_CASES.flatMap(({ covers }) => covers),
    ...Object.keys(WITHOUT_STATE),
    ...Object.keys(ELSEWHERE),
  ]);
  expect(offered().filter((name) => !covered.has(name))).toEqual([]);
});

test('golden jobs and exceptions name what is there', () => {
  const names = new Set(offered());
  const named = [
    ...GOLDEN_CASES.flatMap(({ covers }) => covers),
    ...Object.keys(WITHOUT_STATE),
    ...Object.keys(ELSEWHERE),
  ];
  expect(named.filter((name) => !names.has(name))).toEqual([]);
});

test('golden jobs have names of their own', () => {
  const names = GOLDEN_CASES.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
