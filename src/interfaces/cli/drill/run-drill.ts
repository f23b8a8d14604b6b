import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../foundation/common/errors.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { Configuration } from '../../../foundation/config/configuration.ts';
import type { PlanJob } from '../cluster/cluster-run.ts';
import { ClusterWatch } from './cluster-watch.ts';
import type { PlannedRound } from './drill-plan.ts';
import type { DrillRequest } from './drill-request.ts';
import { DrillRounds } from './drill-rounds.ts';
import type { DrillTarget } from './drill-target.ts';
import { Probe, type DrillPrograms } from './probe.ts';
import type { DrillReport } from './report.ts';
import { repeatedCheckpointIds } from './trigger-log.ts';
import { verify, type Finding } from './verdict.ts';

export interface DrillOptions {
  readonly request: DrillRequest;
  readonly target: DrillTarget;
  readonly planned: readonly PlannedRound[];
  readonly parallelism: number;
  readonly programs: DrillPrograms;
  readonly plan: PlanJob;
  readonly configuration: Configuration;
  readonly secrets: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly interrupted: AbortSignal;
  readonly say: (line: string) => void;
}

/** A round takes at least that long, however short the pause between two. */
const ROUND_MS_MIN = 3_000;

/**
 * A whole drill; `undefined`: it was interrupted. However it ends, who was paused is woken, who was killed is started again, and the
 * probe job is gone; its files only where there is nothing to look at in them.
 */
export const runDrill = async (options: DrillOptions): Promise<DrillReport | undefined> => {
  const { target, clock, request, interrupted, say } = options;
  const folder = join(
    target.cluster.folder,
    'drill',
    `${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')}-${process.pid}`,
  );
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const watch = new ClusterWatch(target.jobManagers, clock);
  let probe: Probe | undefined;
  let hasEnded = false;
  let keep = true;
  try {
    probe = await Probe.submit({
      ...options,
      folder,
      client: target.client,
      jobFile: options.programs.probeJob,
      checkpointIntervalMs: request.checkpointIntervalMs,
      expectedMs:
        (request.rounds + 1) *
        Math.max(
          request.everyMs,
          request.actions.every((action) => action === 'kill') ? 0 : request.pauseMs,
          ROUND_MS_MIN,
        ),
    });
    say(`probe job ${probe.jobId} with parallelism ${options.parallelism}; its files are in ${folder}`);
    watch.follow(probe.jobId);
    const rounds = new DrillRounds({
      ...options,
      cluster: target.cluster,
      taskManagers: target.overview.taskmanagers,
      watch,
      probe,
    });
    const quiet = await drill(rounds, options);
    hasEnded = quiet.isFinished;
    if (interrupted.aborted) {
      keep = false;
      return undefined;
    }
    const pausedTasks = rounds.done.some(({ action, role }) => action !== 'kill' && role === 'taskmanager');
    await probe.record({ isFinished: hasEnded, quiet, pausedTasks, rounds: rounds.done.map(forVerifier) });
    const report = await judge(options, probe, rounds);
    keep = report.findings.length > 0;
    return keep ? { ...report, keptIn: folder } : report;
  } finally {
    watch.close();
    if (probe !== undefined && !hasEnded) {
      await cancel(probe, options);
    }
    if (keep) {
      say(`the files of the drill are kept in ${folder}`);
    } else {
      await probe?.remove();
    }
  }
};

/** Everything that is done to the cluster, and the end of the probe. */
const drill = async (
  rounds: DrillRounds,
  { planned, request, clock, interrupted, say }: DrillOptions,
): Promise<{ readonly fromMs: number; readonly untilMs: number; readonly isFinished: boolean }> => {
  try {
    let goesOn = await rounds.settle();
    const fromMs = clock.now();
    if (goesOn) {
      say(`nothing is done for ${request.everyMs / 1000} s, to compare with`);
      await rounds.wait(request.everyMs);
    }
    const untilMs = clock.now();
    for (const each of planned) {
      goesOn = goesOn && !interrupted.aborted && (await rounds.run(each));
    }
    return { fromMs, untilMs, isFinished: goesOn && !interrupted.aborted && (await rounds.finish()) };
  } finally {
    await rounds.bringBack();
  }
};

/** A leader that is cut off sees no TaskManager any more, and starts their tasks anew once it has given them up. */
const forVerifier = ({ round, action, role, atMs, untilMs }: DrillRounds['done'][number]) => ({
  round,
  atMs,
  untilMs,
  spares: role === 'taskmanager' || (role === 'leader' && action === 'cut') ? ('nothing' as const) : ('tasks' as const),
});

const judge = async (
  { programs, target, request, parallelism }: DrillOptions,
  probe: Probe,
  rounds: DrillRounds,
): Promise<DrillReport> => {
  const verdict = await verify(programs.verifier, probe.folder);
  const findings: readonly Finding[] = [
    ...verdict.findings,
    ...rounds.findings,
    ...(await repeatedCheckpointIds(target.field.jobManagers, probe.jobId)),
  ];
  const { folder: clusterFolder } = target.cluster;
  return { request, clusterFolder, parallelism, rounds: rounds.done, verdict, findings, keptIn: undefined };
};

/** A cluster that is broken may not answer: then the command ends all the same, and says what is left. */
const cancel = async (probe: Probe, { clock, request, say }: DrillOptions): Promise<void> => {
  const cancelled = probe.cancel();
  cancelled.catch(() => {});
  let stop = (): void => {};
  const tooLong = new Promise<never>((_resolve, reject) => {
    const timer = clock.after(request.recoveryMs, () =>
      reject(new Error(`no answer within ${request.recoveryMs / 1000} s`)),
    );
    stop = () => timer.cancel();
  });
  try {
    await Promise.race([cancelled, tooLong]);
  } catch (thrown) {
    say(
      `WARN the probe job cannot be cancelled (${messageOf(thrown)}); "millrace cancel ${probe.jobId}" does it later`,
    );
  } finally {
    stop();
  }
};
