import type { StartedCluster } from '../../chaos/started-cluster.ts';
import type { DrillData } from '../proof.ts';

type Report = Required<Pick<DrillData, 'verdict' | 'records' | 'quiet'>> & Pick<DrillData, 'findings' | 'rounds'>;

/** Runs `millrace drill` on a cluster, until its verdict or until it is interrupted. */
export const runDrill = async (
  cluster: StartedCluster,
  { args, seed }: Pick<DrillData, 'args' | 'seed'>,
  interrupted: AbortSignal,
): Promise<DrillData> => {
  const beganMs = performance.now();
  const drill = cluster.start('drill', ...args, '--json');
  // It mends what it broke, and removes its job.
  const interrupt = (): void => drill.kill('SIGINT');
  interrupted.addEventListener('abort', interrupt);
  if (interrupted.aborted) {
    interrupt();
  }
  const common = (): Pick<DrillData, 'args' | 'seed' | 'seconds'> => ({
    args,
    seed,
    seconds: (performance.now() - beganMs) / 1_000,
  });
  try {
    const { code, signal, stdout, stderr } = await drill.ended;
    const report = reportIn(stdout);
    const failure = `It ended with ${signal ?? code}, without a report:\n${stderr}`;
    return report === undefined ? { ...common(), failure, findings: [], rounds: [] } : { ...common(), ...report };
  } catch (thrown) {
    return {
      ...common(),
      failure: thrown instanceof Error ? thrown.message : String(thrown),
      findings: [],
      rounds: [],
    };
  } finally {
    interrupted.removeEventListener('abort', interrupt);
  }
};

/** Without what names folders or a process of this machine. */
const reportIn = (text: string): Report | undefined => {
  if (!text.startsWith('{')) {
    return undefined;
  }
  const { verdict, findings, records, quiet, rounds } = JSON.parse(text) as Report;
  return {
    verdict,
    findings: findings.map(({ kind, text: what }) => ({ kind, text: what })),
    records,
    quiet,
    rounds: rounds.map(
      ({ round, action, role, takeoverMs, nextCheckpointMs, emitGapMs, commitGapMs, taskRestarts }) => ({
        ...{ round, action, role, takeoverMs, nextCheckpointMs },
        ...{ emitGapMs, commitGapMs, taskRestarts },
      }),
    ),
  };
};
