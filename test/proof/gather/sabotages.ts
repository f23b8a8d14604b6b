import { ATTEMPTS, GREEN_ATTEMPT, startSabotaged, type Attempt } from '../../chaos/sabotage/attempts.ts';
import { SABOTAGES } from '../../chaos/sabotage/sabotages.mjs';
import type { DrillData, Part, SabotagesData } from '../proof.ts';
import { runDrill } from './drill.ts';
import type { Gathering } from './programs.ts';

/** Each sabotage on a cluster of its own, and `slow`, which breaks nothing and must not be reported. */
export const gatherSabotages = async ({ sizes, interrupted, say }: Gathering): Promise<Part<SabotagesData>> => {
  const beganMs = performance.now();
  const sabotages: SabotagesData['sabotages'][number][] = [];
  const attempts = [
    ...Object.keys(SABOTAGES).map((name) => [name, ATTEMPTS[name]!] as const),
    ['slow', GREEN_ATTEMPT],
  ] as const;
  for (const [index, [name, attempt]] of attempts.entries()) {
    if (interrupted.aborted) {
      break;
    }
    const drill = await drillSabotaged(name, attempt, sizes.first + index, interrupted);
    const found = drill.findings.map(({ kind }) => kind).join(', ') || 'nothing';
    say(`${name}: ${drill.failure?.split('\n')[0] ?? `${drill.verdict}, found ${found}`}`);
    const { breaks, finds } = attempt;
    sabotages.push({ name, breaks, ...(finds === undefined ? {} : { finds }), drill });
  }
  return {
    command: `npm run prove -- --only sabotages --first ${sizes.first}`,
    seconds: (performance.now() - beganMs) / 1_000,
    data: { sabotages },
  };
};

const drillSabotaged = async (
  name: string,
  attempt: Attempt,
  first: number,
  interrupted: AbortSignal,
): Promise<DrillData> => {
  // The drill that has to stay green brings a seed of its own.
  const own = attempt.drill.indexOf('--seed');
  const seed = own === -1 ? first : Number(attempt.drill[own + 1]);
  const args = own === -1 ? [...attempt.drill, '--seed', String(seed)] : attempt.drill;
  try {
    const cluster = await startSabotaged(name, attempt, true);
    try {
      return await runDrill(cluster, { args, seed }, interrupted);
    } finally {
      await cluster.close();
    }
  } catch (thrown) {
    const failure = thrown instanceof Error ? thrown.message : String(thrown);
    return { args, seed, seconds: 0, failure, findings: [], rounds: [] };
  }
};
