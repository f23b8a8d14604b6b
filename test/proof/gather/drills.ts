import { StartedCluster } from '../../chaos/started-cluster.ts';
import type { DrillData, DrillsData, Part } from '../proof.ts';
import { runDrill } from './drill.ts';
import type { Gathering } from './programs.ts';

const JOB_MANAGERS = 3;
const TASK_MANAGERS = 3;

/** A pause is longer than the lease (5 s) and the heartbeat timeout (6 s) of the defaults: the paused process is replaced, and then wakes. */
const PAUSE = ['--action', 'pause', '--pause-for', '8s'];
const KILLS_OF_A_DRILL = 3;
const PAUSES_OF_A_DRILL = 1;

interface Kind {
  readonly kind: string;
  readonly args: readonly string[];
}

const LEADER_KILLED: Kind = { kind: 'leader killed', args: ['--kill', 'leader', '--rounds', String(KILLS_OF_A_DRILL)] };

/** In turn: each five drills, two of them kill leaders. */
const KINDS: readonly Kind[] = [
  LEADER_KILLED,
  { kind: 'TaskManager killed', args: ['--kill', 'taskmanager', '--rounds', String(KILLS_OF_A_DRILL)] },
  { kind: 'leader paused', args: ['--kill', 'leader', ...PAUSE, '--rounds', String(PAUSES_OF_A_DRILL)] },
  { kind: 'TaskManager paused', args: ['--kill', 'taskmanager', ...PAUSE, '--rounds', String(PAUSES_OF_A_DRILL)] },
  LEADER_KILLED,
];

/** One cluster with the defaults, which goes from drill to drill as long as they are green. */
export const gatherDrills = async ({ sizes, interrupted, say }: Gathering): Promise<Part<DrillsData>> => {
  const beganMs = performance.now();
  const drills: DrillsData['drills'][number][] = [];
  let cluster: StartedCluster | undefined;
  let failure: string | undefined;
  const closeCluster = async (): Promise<void> => {
    try {
      await cluster?.close();
    } catch (thrown) {
      failure = `the cluster did not stop: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    }
    cluster = undefined;
  };
  try {
    while (drills.length < sizes.drills && !interrupted.aborted) {
      const { kind, args } = KINDS[drills.length % KINDS.length]!;
      const seed = sizes.first + drills.length;
      const request = { args: [...args, '--every', '2s', '--seed', String(seed)], seed };
      let drill: DrillData;
      try {
        cluster ??= await startCluster();
        drill = await runDrill(cluster, request, interrupted);
      } catch (thrown) {
        const why = thrown instanceof Error ? thrown.message : String(thrown);
        drill = { ...request, seconds: 0, failure: why, findings: [], rounds: [] };
      }
      drills.push({ kind, ...drill });
      say(`drill ${drills.length} of ${sizes.drills}, ${kind}: ${drill.failure?.split('\n')[0] ?? drill.verdict}`);
      if (drill.verdict !== 'green') {
        await closeCluster();
      }
    }
  } finally {
    await closeCluster();
  }
  return {
    command: `npm run prove -- --only drills --drills ${sizes.drills} --first ${sizes.first}`,
    seconds: (performance.now() - beganMs) / 1_000,
    ...(failure === undefined ? {} : { failure }),
    data: { jobManagers: JOB_MANAGERS, taskManagers: TASK_MANAGERS, drills },
  };
};

const startCluster = (): Promise<StartedCluster> =>
  StartedCluster.start({ jobManagers: JOB_MANAGERS, taskManagers: TASK_MANAGERS, isApart: true });
