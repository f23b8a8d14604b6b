import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { codeOf } from '../foundation/common/errors.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import { runCli } from '../interfaces/cli/cli.ts';
import type { StartRun } from '../interfaces/cli/job-run.ts';
import type { InterruptSignal } from '../interfaces/cli/run-command.ts';
import { endNow } from './end-now.ts';
import { packageVersion } from './package-version.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** The engine is loaded while the job is bundled. */
const startRun = (argv: readonly string[]): StartRun => {
  const engine = argv.includes('run') ? import('./local-run.ts') : undefined;
  engine?.catch(() => {});
  return async (request, events) => {
    const { startLocalRun } = await (engine ?? import('./local-run.ts'));
    return startLocalRun(request, events);
  };
};

type Interrupted = (signal: InterruptSignal) => void;

/** Signals, and readers of the output that went away (`millrace ... | head -1`): that is no error of ours. */
const interrupts = (): ((interrupted: Interrupted) => () => void) => {
  const listeners = new Set<Interrupted>();
  const tell: Interrupted = (signal) => {
    for (const listener of listeners) {
      listener(signal);
    }
  };
  process.stdout.on('error', (error) => {
    if (codeOf(error) !== 'EPIPE') {
      throw error;
    }
    tell('SIGPIPE');
  });
  process.stderr.on('error', () => {
    // Messages that nobody reads.
  });
  return (interrupted) => {
    if (listeners.size === 0) {
      SIGNALS.forEach((signal) => process.on(signal, tell));
    }
    listeners.add(interrupted);
    return () => {
      listeners.delete(interrupted);
      if (listeners.size === 0) {
        SIGNALS.forEach((signal) => process.off(signal, tell));
      }
    };
  };
};

/** Ctrl-C is a no. */
const confirm = async (question: string): Promise<boolean> => {
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await Promise.race([lines.question(question), once(lines, 'SIGINT').then(() => 'no')]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
};

/** The `millrace` command. */
export const main = async (argv: readonly string[]): Promise<void> => {
  const exitCode = await runCli(argv, {
    version: packageVersion(),
    start: startRun(argv),
    streams: { stdout: process.stdout, stderr: process.stderr },
    env: process.env,
    clock: systemClock,
    onInterrupt: interrupts(),
    openLocalControl: async () => {
      const { LocalJobControl } = await import('./local-control/local-job-control.ts');
      return new LocalJobControl();
    },
    plan: async (request) => (await import('./plan-for-cluster.ts')).planForCluster(request),
    findLeader: async (configuration) => (await import('./find-leader.ts')).findLeader(configuration),
    findLeaderEndpoints: async (configuration) => (await import('./find-leader.ts')).findLeaderEndpoints(configuration),
    probePorts: async (configuration, targets) =>
      (await import('./probe-from-here.ts')).probeFromHere(configuration, targets),
    startedCluster: async () => {
      const { ClusterFolder, defaultClusterFolder } = await import('./local-cluster/cluster-folder.ts');
      return new ClusterFolder(defaultClusterFolder(process.env)).settings();
    },
    gatherFacts: async (request) => (await import('./config-check/gather-facts.ts')).gatherFacts(request),
    loadTls: async (configuration) => {
      const { restIdentity } = await import('./rest-identity.ts');
      return restIdentity(configuration, systemClock.now());
    },
    openLocalCluster: async (folder) => {
      const { openProcessCluster } = await import('./local-cluster/open-process-cluster.ts');
      return openProcessCluster(folder);
    },
    drill: {
      programs: {
        probeJob: fileURLToPath(new URL('../../drill/probe-job.ts', import.meta.url)),
        verifier: fileURLToPath(new URL('../../drill/verify.mjs', import.meta.url)),
      },
      drawSeed: () => systemRandom.int(2 ** 32),
    },
    startJobManager: async (configuration, options) =>
      (await import('./run-processes.ts')).runJobManager(configuration, options),
    startTaskManager: async (configuration, options) =>
      (await import('./run-processes.ts')).runTaskManager(configuration, options),
    restoreStore: async (configuration, options) => {
      const { restoreStore } = await import('./restore-store.ts');
      return restoreStore(configuration, { ...options, clock: systemClock, random: systemRandom });
    },
    readHaStore: async (configuration) => {
      const { readHaStore } = await import('./read-ha-store.ts');
      return readHaStore(configuration, { clock: systemClock, random: systemRandom });
    },
    deleteStore: async (configuration, options) => {
      const { deleteStore } = await import('./delete-store.ts');
      return deleteStore(configuration, { ...options, clock: systemClock, random: systemRandom });
    },
    confirm: process.stdin.isTTY ? confirm : undefined,
    exitNow: endNow,
    waitForDebugger: async (hostAndPort) => {
      const { waitForDebugger } = await import('./wait-for-debugger.ts');
      waitForDebugger(hostAndPort);
    },
  });
  process.exitCode = exitCode;
};
