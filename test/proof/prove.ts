/**
 * All that shows that Millrace keeps its promises, and one page that says what came of it: `npm run prove -- [--seeds N]
 * [--mutant-seeds N] [--drills N] [--first S] [--only part,...]`; `--render` writes the page again from the data of the last run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { commitAndMachine } from './gather/about.ts';
import { gatherDrills } from './gather/drills.ts';
import { gatherModel, gatherMutants, gatherSimulation, type Gathering } from './gather/programs.ts';
import { gatherSabotages } from './gather/sabotages.ts';
import { placesOf, withoutPlaces } from './gather/without-places.ts';
import { judge, type Verdict } from './judge.ts';
import { FULL, PARTS, type Part, type PartName, type Proof, type Sizes } from './proof.ts';
import { page } from './render/page.ts';
import { secondsText } from './render/section.ts';
import { headline } from './render/verdict.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'proof');
const DATA = join(FOLDER, 'data.json');
const REPORT = join(FOLDER, 'report.html');

const EXIT_WRONG = 1;
const EXIT_MISUSE = 2;
const EXIT_OF = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const refuse = (message: string): never => {
  process.stderr.write(`prove: ${message}\n`);
  process.exit(EXIT_MISUSE);
};

const argumentsOf = () => {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: String(FULL.seeds) },
        'mutant-seeds': { type: 'string', default: String(FULL.mutantSeeds) },
        drills: { type: 'string', default: String(FULL.drills) },
        first: { type: 'string', default: String(FULL.first) },
        only: { type: 'string', default: PARTS.join(',') },
        render: { type: 'boolean', default: false },
      },
    }).values;
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
};

const wholeNumber = (option: string, text: string): number =>
  /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse(`--${option} ${text}: give a whole number from 1 to 999999999`);

const partsOf = (text: string): readonly PartName[] => {
  const names = text.split(',');
  const unknown = names.find((name) => !PARTS.includes(name as PartName));
  return unknown === undefined
    ? PARTS.filter((name) => names.includes(name))
    : refuse(`--only ${text}: there is no part '${unknown}'; there are ${PARTS.join(', ')}`);
};

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const interrupted = new AbortController();
let exitCode = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    exitCode ||= EXIT_OF[signal];
    if (!interrupted.signal.aborted) {
      print('interrupted: what was started is being ended');
      interrupted.abort();
    }
  });
}

const GATHER: Readonly<Record<PartName, (gathering: Gathering) => Promise<Part<unknown>>>> = {
  model: gatherModel,
  simulation: gatherSimulation,
  mutants: gatherMutants,
  sabotages: gatherSabotages,
  drills: gatherDrills,
};

/** A part that fails does not stop the others. */
const gather = async (name: PartName, gathering: Gathering): Promise<Part<unknown>> => {
  const beganMs = performance.now();
  try {
    return await GATHER[name](gathering);
  } catch (thrown) {
    const failure = thrown instanceof Error ? thrown.message : String(thrown);
    return { command: `npm run prove -- --only ${name}`, seconds: (performance.now() - beganMs) / 1_000, failure };
  }
};

const gatherAll = async (names: readonly PartName[], sizes: Sizes): Promise<Proof> => {
  const beganMs = performance.now();
  const began = new Date().toISOString();
  const where = commitAndMachine(ROOT);
  const say = (line: string): void => print(`  ${line.slice(0, 150)}`);
  const parts: Partial<Record<PartName, Part<unknown>>> = {};
  for (const name of names) {
    if (!interrupted.signal.aborted) {
      print(`${secondsText((performance.now() - beganMs) / 1_000)}: ${name}`);
      parts[name] = await gather(name, { root: ROOT, sizes, interrupted: interrupted.signal, say });
    }
  }
  const about = { began, seconds: (performance.now() - beganMs) / 1_000, ...where, sizes };
  return withoutPlaces({ about, ...(parts as Omit<Proof, 'about'>) }, placesOf(ROOT));
};

const PROBLEMS_SHOWN = 5;

const tell = (verdict: Verdict): void => {
  print('');
  for (const { name, seconds, result, problems } of verdict.parts) {
    const mark = seconds === undefined ? '-' : problems.length === 0 ? 'ok' : 'WRONG';
    print(`${name.padEnd(11)} ${mark.padEnd(6)} ${secondsText(seconds ?? 0).padStart(12)}  ${result}`);
    problems.slice(0, PROBLEMS_SHOWN).forEach((problem) => print(`  ${problem.slice(0, 200)}`));
    if (problems.length > PROBLEMS_SHOWN) {
      print(`  and ${problems.length - PROBLEMS_SHOWN} more`);
    }
  }
  print('');
  print(headline(verdict));
  print(`Report: ${relative(process.cwd(), REPORT)}`);
};

const values = argumentsOf();

const obtain = async (): Promise<Proof> => {
  if (values.render) {
    return existsSync(DATA)
      ? (JSON.parse(readFileSync(DATA, 'utf8')) as Proof)
      : refuse('--render: there is no data of an earlier run');
  }
  return gatherAll(partsOf(values.only), {
    seeds: wholeNumber('seeds', values.seeds),
    mutantSeeds: wholeNumber('mutant-seeds', values['mutant-seeds']),
    drills: wholeNumber('drills', values.drills),
    first: wholeNumber('first', values.first),
  });
};

const proof = await obtain();
if (interrupted.signal.aborted) {
  print('nothing was written');
} else {
  const verdict = judge(proof);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(DATA, `${JSON.stringify(proof, undefined, 1)}\n`);
  writeFileSync(REPORT, page(proof));
  tell(verdict);
  exitCode = verdict.isGreen ? 0 : EXIT_WRONG;
}
process.exit(exitCode);
