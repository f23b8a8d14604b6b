import { expect, vi } from 'vitest';
import { ClusterStorage } from '../../../coordination/storage/cluster-storage.ts';
import { NoneServices } from '../../../coordination/none/none-services.ts';
import type { Leadership } from '../../../coordination/leadership.ts';
import { codeOf, MillraceError, type ErrorCode } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { seededRandom } from '../../../foundation/common/random.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import type { CompletedCheckpoint } from '../checkpoint-coordinator/completed-checkpoint.ts';
import { ResourceManager } from '../resource-manager/resource-manager.ts';
import { FakeJobStarter, type FakeMaster } from './fake-job-starter.ts';
import { testGraph } from './test-graph.ts';
import type { JobSubmission } from '../dispatcher/cluster-gateway.ts';
import { Dispatcher } from '../dispatcher/dispatcher.ts';
import { OwnLoadingMarks } from '../dispatcher/own-loading-marks.ts';
import { DEFAULT_RETENTION, type ResultRetention } from '../dispatcher/result-retention.ts';
import { SteadfastStores } from '../dispatcher/steadfast-stores.ts';

export const JOB = 'a'.repeat(32) as JobId;
export const OTHER = 'b'.repeat(32) as JobId;

/** Of a job with one source. */
export const submission = (jobId = JOB): JobSubmission => ({
  jobId,
  graph: testGraph([{ name: 'source', parallelism: 1 }]),
  bundle: Buffer.from('export default 1'),
  args: ['--fast'],
  env: {},
  configuration: {},
});

/** A store and a storage folder that outlive the leaders of a test. */
export class Cluster {
  readonly clock = new ManualClock(1_000);
  readonly random = seededRandom(1);
  readonly fs = new MemoryFileSystem();
  readonly storage = new ClusterStorage(this.fs, '/cluster', this.random, (path) => ({ fs: this.fs, path }));
  readonly services = new NoneServices({ clock: this.clock, random: this.random });
  readonly starter = new FakeJobStarter();
  readonly log: string[] = [];
  /** Of the one process that leads again and again; without it, each leader is another one. */
  ownMarks: OwnLoadingMarks | undefined;
  retention: ResultRetention = DEFAULT_RETENTION;
  #leadership: Promise<Leadership> | undefined;

  /** A Dispatcher under the one leadership there is: what a successor would find. */
  async lead(): Promise<{ dispatcher: Dispatcher; stores: SteadfastStores; resources: ResourceManager }> {
    const { clock, random, storage, starter } = this;
    this.#leadership ??= this.#join();
    const leadership = await this.#leadership;
    const fence = { lineage: leadership.lineage, epoch: leadership.epoch };
    const logger = {
      ...silentLogger,
      info: (line: string) => this.log.push(line),
      error: (line: string) => this.log.push(line),
    };
    const stores = new SteadfastStores({
      stores: this.services.leading(leadership),
      clock,
      logger,
      leadershipLost: () => this.log.push('leadership lost'),
    });
    const dispatcher = new Dispatcher({
      fence,
      stores,
      storage,
      starter,
      ownMarks: this.ownMarks ?? new OwnLoadingMarks(),
      retention: this.retention,
      clock,
      random,
      logger,
    });
    const resources = new ResourceManager({
      ready: Promise.resolve(),
      fence,
      ownInstanceId: 'one',
      clock,
      logger,
      heartbeat: { intervalMs: 1_000, timeoutMs: 6_000, failureThreshold: 2 },
      jobs: dispatcher,
      probe: () => Promise.reject(new MillraceError('UNREACHABLE', 'nobody')),
      challenged: () => {},
      changed: () => {},
    });
    await (
      await dispatcher.start(resources)
    ).allLoaded;
    return { dispatcher, stores, resources };
  }

  /** The leader before is gone; another reads what it left. */
  async takeOver(before: { dispatcher: Dispatcher; stores: SteadfastStores }): ReturnType<Cluster['lead']> {
    before.dispatcher.suspend();
    before.stores.stop();
    return this.lead();
  }

  /** Once it is prepared. */
  master(jobId = JOB): Promise<FakeMaster> {
    return vi.waitFor(() => this.starter.master(jobId));
  }

  async #join(): Promise<Leadership> {
    const granted = Promise.withResolvers<Leadership>();
    await this.services.election.join({
      endpoints: { instanceId: 'jm', rpcAddress: 'jm:1', restAddress: 'http://jm:1' },
      granted: granted.resolve,
      uncertain: () => {},
      certain: () => {},
      revoked: () => {},
    });
    return granted.promise;
  }
}

/** It rejects with that code. */
export const refused = (promise: Promise<unknown>, code: ErrorCode): Promise<void> =>
  expect(promise).rejects.toSatisfy((error: unknown) => codeOf(error) === code);

export const savepointAt = (baseFolder: string): CompletedCheckpoint => ({ baseFolder }) as CompletedCheckpoint;
