import { join } from 'node:path';
import { InMemoryCheckpointIdCounter } from '../../src/coordination/none/checkpoint-id-counter.ts';
import { InMemoryCompletedCheckpointStore } from '../../src/coordination/none/completed-checkpoint-store.ts';
import { InMemoryJobRecordStore } from '../../src/coordination/none/job-record-store.ts';
import type { RemoteThread } from '../../src/foundation/common/data-location.ts';
import { present } from '../../src/foundation/common/assert.ts';
import type { JobId } from '../../src/foundation/common/ids.ts';
import type { ErrorInfo } from '../../src/foundation/common/errors.ts';
import type { Logger } from '../../src/foundation/common/logger.ts';
import { systemClock } from '../../src/foundation/common/system-clock.ts';
import { systemRandom } from '../../src/foundation/common/system-random.ts';
import { Configuration } from '../../src/foundation/config/configuration.ts';
import { bundleJob } from '../../src/interfaces/cli/bundle/bundle-job.ts';
import { writeBundle } from '../../src/interfaces/cli/bundle/bundle-file.ts';
import { staticSplitsEnumerator } from '../../src/pipeline/connectors/static-splits-enumerator.ts';
import { threadSettingsOf } from '../../src/process/job-settings.ts';
import { loadJob } from '../../src/process/module-loader.ts';
import { planJob } from '../../src/process/plan-job.ts';
import type { PlannedJob } from '../../src/process/plan-job.ts';
import { jobCheckpointFolder } from '../../src/runtime/checkpoint/checkpoint-layout.ts';
import { FileCheckpointStorage } from '../../src/runtime/jobmanager/checkpoint-coordinator/file-checkpoint-storage.ts';
import { JobMaster } from '../../src/runtime/jobmanager/jobmaster/job-master.ts';
import type { SlotProvider, SlotRef } from '../../src/runtime/jobmanager/scheduler/slot-table.ts';
import type { DataPlaneSettings } from '../../src/runtime/network/tcp/data-plane-settings.ts';
import type { Fence, JobProgram } from '../../src/runtime/protocol/task-commands.ts';
import { TaskManagerHost } from './task-manager-host.ts';
import type { FromProcess } from './process-protocol.ts';

export interface SplitJobOptions {
  /** The job's file. */
  readonly file: string;
  readonly args: readonly string[];
  /** For the bundle and checkpoints. */
  readonly folder: string;
  readonly configuration: Readonly<Record<string, string | number>>;
  readonly taskManagers: number;
  readonly slotsEach: number;
  readonly threadsEach: number;
  readonly data?: Partial<DataPlaneSettings>;
}

export interface LostConnection {
  readonly reportedBy: string;
  readonly remote: RemoteThread;
  readonly reason: string;
}

const FENCE: Fence = { lineage: 'split-job', epoch: 1 };

/**
 * One job whose slots are spread by hand over several TaskManager processes, with the JobMaster in the calling process: all
 * slots of the first TaskManager, then those of the next.
 */
export class SplitJob {
  readonly hosts: TaskManagerHost[] = [];
  readonly log: string[] = [];
  readonly lost: LostConnection[] = [];
  readonly failures: ErrorInfo[] = [];
  readonly jobMaster: JobMaster;
  readonly #options: SplitJobOptions;
  readonly #planned: PlannedJob;
  readonly #slots: SlotsByHand;
  #starts = 0;
  /** Those of whose death the JobMaster is still to be told. */
  #untold: string[] | undefined;

  static async start(options: SplitJobOptions): Promise<SplitJob> {
    const bundle = await bundleJob(options.file);
    const modulePath = await writeBundle(bundle, join(options.folder, 'bundle'));
    const configuration = Configuration.of(options.configuration);
    const program: JobProgram = { modulePath, args: options.args, env: {}, configuration: configuration.toRecord() };
    const planned = planJob(await loadJob(modulePath, bundle.file), program, { configuration });
    const job = new SplitJob(options, planned, program);
    for (let index = 0; index < options.taskManagers; index++) {
      job.#start(index);
    }
    await Promise.all(job.hosts.map((host) => host.listening));
    job.jobMaster.start();
    return job;
  }

  private constructor(options: SplitJobOptions, planned: PlannedJob, program: JobProgram) {
    this.#options = options;
    this.#planned = planned;
    this.#slots = new SlotsByHand(options.slotsEach, () => this.hosts.filter(({ canRun }) => canRun));
    this.jobMaster = this.#makeJobMaster(program);
  }

  /** Until `tellDeaths` the JobMaster hears of a TaskManager's death from the others only, however late they notice it. */
  holdDeaths(): void {
    this.#untold ??= [];
  }

  tellDeaths(): void {
    const untold = this.#untold ?? [];
    this.#untold = undefined;
    untold.forEach((instanceId) => this.#died(instanceId));
  }

  /** A TaskManager in the place of one that died. */
  async replace(index: number): Promise<void> {
    this.#start(index);
    await this.hosts[index]!.listening;
    this.#slots.serve();
  }

  /** The job is over or cancelled; the processes end. */
  async stop(): Promise<void> {
    this.tellDeaths();
    await this.jobMaster.cancel();
    await this.jobMaster.result;
    await Promise.all(this.hosts.map((host) => host.kill()));
  }

  get restarts(): number {
    return this.jobMaster.overview.restarts;
  }

  get completedCheckpoint(): number {
    return this.jobMaster.overview.checkpoints?.latestCompleted?.checkpointId ?? 0;
  }

  #start(index: number): void {
    const { slotsEach, threadsEach, data } = this.#options;
    const instanceId = `tm-${index}-start-${++this.#starts}`;
    const settings = threadSettingsOf(this.#planned.configuration, this.#planned.translation.jobGraph.checkpointing);
    const loopback = { clusterId: 'split', bindHost: '127.0.0.1', host: '127.0.0.1', ports: [0] };
    this.hosts[index] = new TaskManagerHost(
      {
        kind: 'start',
        instanceId,
        slots: slotsEach,
        threads: threadsEach,
        settings: { ...settings, data: { ...loopback, ...data, instanceId } },
      },
      {
        received: (message) => this.#received(instanceId, message),
        died: () => this.#died(instanceId),
      },
    );
  }

  #received(reportedBy: string, message: FromProcess): void {
    switch (message.kind) {
      case 'report':
        if (message.report.kind === 'state' && message.report.error !== undefined) {
          this.failures.push(message.report.error);
        }
        return this.jobMaster.report(message.report);
      case 'metrics':
        return this.jobMaster.metrics(message.metrics);
      case 'lost':
        this.lost.push({ reportedBy, remote: message.remote, reason: message.reason });
        return;
      case 'log':
        this.log.push(message.line);
        return;
      case 'located':
        return;
    }
  }

  #died(instanceId: string): void {
    if (this.#untold === undefined) {
      this.jobMaster.taskManagerLost(instanceId, 'its process has died');
    } else {
      this.#untold.push(instanceId);
    }
  }

  #hostOf(instanceId: string): TaskManagerHost | undefined {
    return this.hosts.find((host) => host.instanceId === instanceId && host.isAlive);
  }

  #makeJobMaster(program: JobProgram): JobMaster {
    const { folder } = this.#options;
    const graph = this.#planned.translation.jobGraph;
    const jobId = systemRandom.hex(32) as JobId;
    const checkpointFolder = jobCheckpointFolder(join(folder, 'checkpoints'), jobId);
    const note = (message: string): void => void this.log.push(message);
    const logger: Logger = { debug: () => {}, info: note, warn: note, error: note };
    return new JobMaster({
      jobId,
      graph,
      graphVersion: 1,
      program,
      fence: FENCE,
      slots: this.#slots,
      locateSlot: ({ taskManager, slot }) =>
        present(this.hosts.find(({ instanceId }) => instanceId === taskManager)?.slots[slot], 'data port'),
      executors: (taskManager) => this.#hostOf(taskManager),
      reconcileTimeoutMs: 0,
      clock: systemClock,
      random: systemRandom,
      logger,
      storage: new FileCheckpointStorage({
        jobId,
        checkpointFolder,
        inlineThresholdBytes: 20_480,
        logger,
        random: systemRandom,
      }),
      checkpointFolder,
      checkpoints: new InMemoryCompletedCheckpointStore(),
      checkpointIds: new InMemoryCheckpointIdCounter(),
      records: new InMemoryJobRecordStore(),
      userCode: undefined,
      enumerators: [staticSplitsEnumerator],
      restore: undefined,
      restartStrategy: { kind: 'fixed-delay', attempts: 1000, delayMs: 100 },
      failover: 'region',
    });
  }
}

/** The slots of the TaskManagers that can run something, in order, each once; who wants more waits. */
class SlotsByHand implements SlotProvider {
  readonly #slotsEach: number;
  readonly #hosts: () => readonly TaskManagerHost[];
  readonly #given = new Set<string>();
  readonly #waiting: (() => boolean)[] = [];

  constructor(slotsEach: number, hosts: () => readonly TaskManagerHost[]) {
    this.#slotsEach = slotsEach;
    this.#hosts = hosts;
  }

  request(count: number): Promise<readonly SlotRef[]> {
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        const free = this.#free();
        const slots = free.slice(0, count);
        if (slots.length === count) {
          slots.forEach(({ taskManager, slot }) => this.#given.add(`${taskManager}/${slot}`));
          resolve(slots);
        }
        return slots.length === count;
      });
      this.serve();
    });
  }

  serve(): void {
    while (this.#waiting[0]?.() === true) {
      this.#waiting.shift();
    }
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}

  #free(): readonly SlotRef[] {
    return this.#hosts().flatMap(({ instanceId }) =>
      Array.from({ length: this.#slotsEach }, (_, slot) => ({ taskManager: instanceId, slot })).filter(
        ({ slot }) => !this.#given.has(`${instanceId}/${slot}`),
      ),
    );
  }
}
