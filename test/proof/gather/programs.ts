import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { ModelData, MutantsData, Part, SimulationData, Sizes } from '../proof.ts';
import { runChild } from './child.ts';

/** What each part is given. */
export interface Gathering {
  readonly root: string;
  readonly sizes: Sizes;
  readonly interrupted: AbortSignal;
  readonly say: (line: string) => void;
}

/** Far beyond what each takes on a busy machine. */
const LIMIT_MS = 60 * 60_000;

interface ProgramOptions {
  /** Of the project, with arguments; `--json FILE` is added. */
  readonly args: readonly string[];
  readonly command: string;
  /** Lines of it that are worth saying. */
  readonly telling: RegExp;
  /** Exit codes with which it says what is in its data already. */
  readonly saying: readonly number[];
}

/** Runs a program that leaves its results in a JSON file. */
const gatherFrom = async <Data>(
  { args, command, telling, saying }: ProgramOptions,
  { root, interrupted, say }: Gathering,
): Promise<Part<Data>> => {
  const beganMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-proof-'));
  try {
    const file = join(folder, 'data.json');
    const end = await runChild([...args, '--json', file], {
      cwd: root,
      interrupted,
      limitMs: LIMIT_MS,
      heed: (line) => (telling.test(line) ? say(line) : undefined),
    });
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const how = end.tookTooLong
      ? `took longer than ${LIMIT_MS / 60_000} minutes`
      : `ended with ${end.signal ?? end.code}`;
    const isToldByData = end.code !== null && saying.includes(end.code) && text !== undefined;
    return {
      command,
      seconds: (performance.now() - beganMs) / 1_000,
      ...(text === undefined ? {} : { data: JSON.parse(text) as Data }),
      ...(isToldByData
        ? { exitCode: end.code }
        : { failure: [`It ${how}. What it said last:`, ...end.lastLines].join('\n') }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Debian's package for each command that the model check needs. */
const MODEL_NEEDS: Readonly<Record<string, string>> = { spin: 'spin', gcc: 'gcc' };

const isInstalled = (command: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, command)));

export const gatherModel = async (gathering: Gathering): Promise<Part<ModelData>> => {
  const script = 'test/model/check.ts';
  const command = `node ${script}`;
  const missing = Object.keys(MODEL_NEEDS).filter((each) => !isInstalled(each));
  if (missing.length > 0) {
    const install = `apt-get install -y ${missing.map((each) => MODEL_NEEDS[each]).join(' ')}`;
    return { command, seconds: 0, failure: `${missing.join(' and ')} not found. Install what is missing: ${install}` };
  }
  if (!existsSync(join(gathering.root, script))) {
    return { command, seconds: 0, failure: `${script} is not there` };
  }
  return gatherFrom({ args: [script], command, telling: /\S/, saying: [0, 1] }, gathering);
};

export const gatherSimulation = (gathering: Gathering): Promise<Part<SimulationData>> => {
  const { seeds, first } = gathering.sizes;
  const args = ['--seeds', String(seeds), '--first', String(first)];
  return gatherFrom(
    {
      args: ['test/simulation/simulate.ts', ...args],
      // The table is in the data of any run; to be printed it has to be asked for.
      command: `npm run simulate -- ${args.join(' ')} --coverage`,
      telling: /^\d+ of \d+,/,
      saying: [0, 1],
    },
    gathering,
  );
};

export const gatherMutants = (gathering: Gathering): Promise<Part<MutantsData>> => {
  const { mutantSeeds, first } = gathering.sizes;
  const args = ['--mutants', '--seeds', String(mutantSeeds), '--first', String(first)];
  return gatherFrom(
    {
      args: ['test/simulation/simulate.ts', ...args],
      command: `npm run simulate -- ${args.join(' ')}`,
      telling: /\S/,
      saying: [0, 1],
    },
    gathering,
  );
};
