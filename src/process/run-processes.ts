import type { LeaderRetrieval } from '../coordination/leader-retrieval.ts';
import { SeenLeaders } from '../coordination/storage/seen-leaders.ts';
import { codeOf, messageOf, type MillraceError } from '../foundation/common/errors.ts';
import type { Logger } from '../foundation/common/logger.ts';
import { systemClock } from '../foundation/common/system-clock.ts';
import { systemRandom } from '../foundation/common/system-random.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { processOptions } from '../foundation/config/options/process-options.ts';
import { rpcOptions } from '../foundation/config/options/rpc-options.ts';
import { loadTlsIdentity } from '../foundation/security/load-tls-identity.ts';
import type { StartProcess } from '../interfaces/cli/cluster-command-line.ts';
import { endNow } from './end-now.ts';
import { limitHeap } from './heap-limit.ts';
import { openHighAvailability, type HighAvailability } from './high-availability.ts';
import { temporaryFolder } from './local-places.ts';
import { openProcessOutput, type ProcessOutput } from './process-logger.ts';
import type { RunningJobManager } from './start-job-manager.ts';
import { startRest } from './start-rest.ts';
import { nameUnnamedProcess } from './unnamed-process.ts';

const PAUSE_MS = 250;
/** What is waited for is said again. */
const SAID_EVERY_MS = 10_000;
/** A TaskManager that is started with its JobManagers waits for a moment: nothing to worry about before that. */
const EARLY_MS = 10_000;

/** Somebody mounts it, makes it, or restores it (R12). */
const WAITS_FOR: ReadonlySet<string | undefined> = new Set(['STORE_AWAY', 'STORE_EMPTY']);

/**
 * Waits while the store is away, empty where jobs are kept, or not made yet: whoever is started too early goes on when the others are
 * there. `undefined`: it is stopped before that.
 */
const open = async (
  configuration: Configuration,
  logger: Logger,
  role: 'jobmanager' | 'taskmanager',
  stopped: AbortSignal,
): Promise<HighAvailability | undefined> => {
  const sinceMs = systemClock.monotonic();
  let reason = 'it has not answered yet';
  let said = '';
  const level = (): 'info' | 'warn' =>
    role === 'taskmanager' && systemClock.monotonic() - sinceMs < EARLY_MS ? 'info' : 'warn';
  const say = (): void => {
    said = level() + reason;
    logger[level()](`Waiting for the HA store: ${reason}`);
  };
  const repeating = setInterval(say, SAID_EVERY_MS);
  try {
    while (!stopped.aborted) {
      try {
        const surroundings = { clock: systemClock, random: systemRandom, logger, role };
        return await unlessStopped(openHighAvailability(configuration, surroundings), stopped);
      } catch (thrown) {
        if (!WAITS_FOR.has(codeOf(thrown))) {
          throw thrown;
        }
        reason = messageOf(thrown);
        if (said !== level() + reason) {
          say();
        }
      }
      await new Promise<void>((resolve) => {
        systemClock.after(PAUSE_MS, resolve);
      });
    }
  } finally {
    clearInterval(repeating);
  }
  return undefined;
};

/** What is opened after the stop is closed again. */
const unlessStopped = async (
  opening: Promise<HighAvailability>,
  stopped: AbortSignal,
): Promise<HighAvailability | undefined> => {
  const stop = Promise.withResolvers<undefined>();
  const told = (): void => stop.resolve(undefined);
  stopped.addEventListener('abort', told, { once: true });
  try {
    const first = await Promise.race([opening, stop.promise]);
    if (first === undefined) {
      opening.then(
        ({ services }) => services.close(),
        () => {},
      );
    }
    return first;
  } finally {
    stopped.removeEventListener('abort', told);
  }
};

/** The output of a process, whose log also has the error that ends it. */
const openOutput = (
  configuration: Configuration,
  role: 'jobmanager' | 'taskmanager',
  givenName: string | undefined,
): ProcessOutput => {
  const name = givenName ?? nameUnnamedProcess(role, configuration.get(processOptions.logFolder));
  const output = openProcessOutput(configuration, name);
  process.on('uncaughtExceptionMonitor', (error) => {
    output.logger.error(`This process ends: ${messageOf(error)}`, { error });
  });
  return output;
};

/** An orderly end: what it was, and that it came to its end, is in the log. */
const stopping = (logger: Logger, steps: () => Promise<void>) => async (): Promise<void> => {
  logger.info('This process was told to stop');
  await steps();
  logger.info('This process has stopped');
};

/** So long it waits, so that a cluster that starts has its cores for itself. */
const REHEARSAL_DELAY_MS = 1_000;

/** A standby that has something to take over one day practises it once. `stopped` ends that too. */
const rehearse = (
  running: RunningJobManager,
  configuration: Configuration,
  logger: Logger,
  stopped: AbortSignal,
): void => {
  const isStandby = (): boolean =>
    !stopped.aborted && running.gateway.leader?.endpoints.instanceId !== running.instanceId;
  systemClock.after(REHEARSAL_DELAY_MS, async () => {
    if (!isStandby()) {
      return;
    }
    const sinceMs = systemClock.monotonic();
    try {
      const { rehearseTakeover } = await import('./rehearsal/rehearse-takeover.ts');
      const takeovers = await rehearseTakeover(temporaryFolder(configuration), isStandby);
      running.rehearsed();
      logger.info(`Standby: rehearsed ${takeovers} takeovers in ${Math.round(systemClock.monotonic() - sinceMs)} ms`);
    } catch (thrown) {
      logger.warn(`The takeover cannot be rehearsed, the first one will be slower: ${messageOf(thrown)}`);
    }
  });
};

/** What `millrace jobmanager` runs. */
export const runJobManager: StartProcess = async (configuration, { isInsecure, stopped }) => {
  limitHeap(configuration);
  const { startJobManager } = await import('./start-job-manager.ts');
  const { logger } = openOutput(configuration, 'jobmanager', configuration.get(rpcOptions.jobManagerResourceId));
  const tls = await loadTlsIdentity(configuration, systemClock.now());
  const opened = await open(configuration, logger, 'jobmanager', stopped);
  if (opened === undefined) {
    return undefined;
  }
  const { services, storage } = opened;
  try {
    const running = await startJobManager(configuration, {
      haServices: services,
      storage,
      logger,
      tls,
      startRest: startRest(configuration, { logger, isInsecure }),
    });
    const rehearsal = new AbortController();
    if (services.type !== 'none') {
      rehearse(running, configuration, logger, rehearsal.signal);
    }
    return {
      ended: new Promise(() => {}),
      stop: stopping(logger, async () => {
        rehearsal.abort();
        await running.stop();
        await services.close();
      }),
    };
  } catch (thrown) {
    await services.close();
    throw thrown;
  }
};

/** What a TaskManager writes where its leader does not see it would be lost: it follows none before it has seen a leader's files. */
const retrievalOf = ({ services: { retrieval }, storage }: HighAvailability, logger: Logger): LeaderRetrieval =>
  storage === undefined
    ? retrieval
    : new SeenLeaders({ retrieval, marker: storage.marker, clock: systemClock, logger });

/** What `millrace taskmanager` runs. */
export const runTaskManager: StartProcess = async (configuration, { stopped }) => {
  const { startTaskManager } = await import('./start-task-manager.ts');
  const givenName = configuration.get(rpcOptions.taskManagerResourceId);
  const { logger, print } = openOutput(configuration, 'taskmanager', givenName);
  const tls = await loadTlsIdentity(configuration, systemClock.now());
  const isHighlyAvailable = configuration.get(highAvailabilityOptions.type) !== 'none';
  const opened = isHighlyAvailable ? await open(configuration, logger, 'taskmanager', stopped) : undefined;
  if (isHighlyAvailable && opened === undefined) {
    return undefined;
  }
  const services = opened?.services;
  let gaveUp = (_error: MillraceError): void => {};
  const ended = new Promise<void>((_resolve, reject) => {
    gaveUp = reject;
  });
  try {
    const running = await startTaskManager(configuration, {
      haServices: opened && { retrieval: retrievalOf(opened, logger) },
      logger,
      writeLine: print,
      tls,
      gaveUp: (error) => {
        const end = (): void => gaveUp(error);
        // What watches the store would keep the process from ending.
        Promise.resolve(services?.close()).then(end, end);
      },
      stuck: ({ message }) => {
        logger.error(`${message}; this TaskManager ends, so that its tasks start again elsewhere`);
        endNow('SIGKILL');
      },
    });
    return {
      ended,
      stop: stopping(logger, async () => {
        await running.stop();
        await services?.close();
      }),
    };
  } catch (thrown) {
    await services?.close();
    throw thrown;
  }
};
