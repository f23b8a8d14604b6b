import { ClusterStorage } from '../../src/coordination/storage/cluster-storage.ts';
import { present } from '../../src/foundation/common/assert.ts';
import { MillraceError } from '../../src/foundation/common/errors.ts';
import { seededRandom } from '../../src/foundation/common/random.ts';
import { DiskFileSystem } from '../../src/foundation/filesystem/disk/disk-file-system.ts';
import type { ClusterGateway } from '../../src/runtime/jobmanager/dispatcher/cluster-gateway.ts';
import { ClusterWorld, type SimulatedJobManager } from '../../src/runtime/jobmanager/test-support/cluster-world.ts';
import { NewestFence } from '../../src/runtime/rpc/fencing.ts';
import { anyPort } from '../../src/runtime/rpc/port-range.ts';
import {
  checkpointFolderName,
  idOfCheckpointFolder,
  METADATA_NAME,
} from '../../src/runtime/checkpoint/checkpoint-layout.ts';
import { formatAddress } from '../../src/runtime/rpc/rpc-address.ts';
import { LeaderFollower } from '../../src/runtime/taskmanager/leader-follower.ts';
import { visitors } from '../../src/runtime/taskmanager/visitors.ts';
import { folderContents, putBack, type FolderContents } from './folder-contents.ts';
import { MortalDisk, type Death } from './mortal-disk.ts';
import { SimulatedJobStarter } from './simulated-job-starter.ts';
import { SimulatedTaskHost } from './simulated-task-host.ts';

interface Member {
  readonly process: SimulatedJobManager<SimulatedJobStarter>;
  readonly disk: MortalDisk;
  isDead: boolean;
}

const HEARTBEAT = { intervalMs: 1_000, timeoutMs: 6_000, failureThreshold: 2 };
const TIMING = { initialTimeoutMs: 100, maxTimeoutMs: 30_000, errorDelayMs: 10_000, refusedDelayMs: 30_000 };
const FOREVER_MS = 3_600_000;

/**
 * Two JobManagers on the embedded store and a TaskManager of simulated tasks: all of the control plane is the code that is
 * shipped, over a network, a disk and a clock of the test's.
 */
export class ControlPlane extends ClusterWorld {
  readonly tasks = new SimulatedTaskHost(4, seededRandom(7));
  readonly log: string[] = [];
  /** Of the leader that is to die. */
  readonly doomed: Member;
  /** What was deployed when it died. */
  deployedAtDeath: number | undefined;
  /** Metadata that broke with the leader's death, and what it was. */
  broken: { readonly path: string; readonly content: Uint8Array } | undefined;
  readonly #members: Member[] = [];
  #breaksBelow: string | undefined;

  static async start(): Promise<ControlPlane> {
    const world = new ControlPlane();
    await world.#begin();
    return world;
  }

  private constructor() {
    super();
    this.doomed = { process: undefined as never, disk: undefined as never, isDead: false };
  }

  /** The leader dies at one of the changes of the disk that it asks for from now on. */
  dieAt(death: Death): void {
    this.doomed.disk.dieAt(death);
  }

  /** With the leader the metadata of the newest checkpoint in this folder breaks. */
  breakAtDeath(jobFolder: string): void {
    this.#breaksBelow = jobFolder;
  }

  /** What these folders hold now. */
  copyOf(...folders: readonly string[]): Promise<FolderContents> {
    return this.settled(folderContents(this.#files, folders));
  }

  /** All JobManagers die, what a copy holds is put back, and others start: of these the first is to die at that change. */
  async goBack(copy: FolderContents, death: Death): Promise<void> {
    for (const member of this.#members.filter(({ isDead }) => !isDead)) {
      member.isDead = true;
      member.disk.ended();
      this.kill(member.process);
    }
    await this.settled(putBack(this.#files, copy));
    this.deployedAtDeath = undefined;
    const name = `after-${this.#members.length}`;
    Object.assign(this.doomed, await this.#member(name), { isDead: false });
    this.#members.push(this.doomed);
    this.dieAt(death);
    this.#members.push(await this.#member(`${name}-too`));
  }

  /** What JobManagers said of a store that is older than what TaskManagers have seen. */
  get saidOfOlderStores(): readonly string[] {
    return this.#members.flatMap(({ process }) => process.log.filter((line) => line.includes('HA store is older')));
  }

  async mend(): Promise<void> {
    const { path, content } = present(this.broken, 'broken file');
    this.broken = undefined;
    await this.settled(this.#replace(path, content));
  }

  /** A client: what is not answered, or refused for now, it asks again of whoever leads then. */
  async ask<T>(call: (gateway: ClusterGateway) => Promise<T>): Promise<T> {
    for (;;) {
      const leader = await this.#leader();
      const answer = await this.#answer(leader, call(leader.process.jobManager));
      if (answer.kind === 'value') {
        return answer.value;
      }
      if (answer.kind === 'error' && !(answer.error instanceof MillraceError && answer.error.retryable)) {
        throw answer.error;
      }
      await this.pass(5);
    }
  }

  /** Files that the cluster keeps of its jobs, and that jobs keep of their checkpoints. */
  async kept(): Promise<readonly string[]> {
    const fs = this.#files;
    const storage = new ClusterStorage(fs, '/cluster', seededRandom(1));
    return this.settled(
      Promise.all([storage.jobIds(), fs.names('/checkpoints')]).then(([jobs, checkpoints]) => [
        ...jobs.map((id) => `job ${id}`),
        ...checkpoints.map((id) => `checkpoints of ${id}`),
      ]),
    );
  }

  override async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.tasks.step();
      await super.pass(1);
    }
  }

  async #begin(): Promise<void> {
    Object.assign(this.doomed, await this.#member('one'));
    this.#members.push(this.doomed, await this.#member('two'));
    await this.until(() => this.doomed.process.jobManager.isLeading, 'the first leads');
    await this.#follow();
    // The standby connects to the leader.
    await this.pass(20);
  }

  async #member(name: string): Promise<Member> {
    const member: { process?: Member['process']; disk: MortalDisk; isDead: boolean } = {
      disk: new MortalDisk(this.disk, () => this.#died(member as Member)),
      isDead: false,
    };
    member.process = await this.process(name, member.disk, (parts) => new SimulatedJobStarter(parts));
    return member as Member;
  }

  #died(member: Member): void {
    this.doomed.isDead = true;
    this.deployedAtDeath = this.tasks.deployments;
    this.kill(member.process);
    if (this.#breaksBelow !== undefined) {
      void this.#breakNewest(this.#breaksBelow);
    }
  }

  async #breakNewest(jobFolder: string): Promise<void> {
    const ids = (await this.#files.names(jobFolder)).flatMap((name) => idOfCheckpointFolder(name) ?? []);
    for (const id of ids.sort((a, b) => b - a)) {
      const path = `${jobFolder}/${checkpointFolderName(id)}/${METADATA_NAME}`;
      if ((await this.#files.stat(path)) !== undefined) {
        const content = await this.#files.read(path);
        this.broken = { path, content };
        return this.#replace(path, content.subarray(1));
      }
    }
  }

  async #replace(path: string, content: Uint8Array): Promise<void> {
    await this.#files.delete(path);
    await this.#files.write(path, content);
  }

  get #files(): DiskFileSystem {
    return new DiskFileSystem('memory', this.disk, seededRandom(1));
  }

  async #follow(): Promise<void> {
    const { clock, tasks, log } = this;
    const note = (line: string): void => void log.push(line);
    const logger = { debug: note, info: note, warn: note, error: note };
    const random = seededRandom(3);
    const parts = { fs: new DiskFileSystem('memory', this.disk, random), clock, random, logger };
    const services = await this.services(parts, false);
    const transport = this.transport('tm', 'taskmanager', 'tm-first', clock, logger);
    const { address } = await this.settled(
      transport.listen({
        host: 'tm',
        ports: anyPort,
        portsKey: 'taskmanager.rpc.port',
        accept: () => visitors((fence) => follower.ping(fence)),
      }),
    );
    const follower = new LeaderFollower({
      clock,
      random,
      logger,
      transport,
      retrieval: services.retrieval,
      probePorts: (targets) => Promise.resolve({ network: 'sim', outcomes: targets.map(() => ({})) }),
      fence: new NewestFence(),
      tasks,
      registration: () => tasks.registration(formatAddress(address), 'tm-first'),
      timing: TIMING,
      heartbeat: HEARTBEAT,
      absenceTimeoutMs: FOREVER_MS,
      registrationTimeoutMs: FOREVER_MS,
      gaveUp: (error) => {
        throw error;
      },
    });
    follower.start();
    await this.until(() => log.some((line) => line.startsWith('Registered')), 'the TaskManager is registered');
  }

  async #leader(): Promise<Member> {
    const leading = (): Member | undefined =>
      this.#members.find(({ isDead, process }) => !isDead && process.jobManager.isLeading);
    await this.until(() => leading() !== undefined, 'somebody leads');
    return present(leading(), 'leader');
  }

  async #answer<T>(
    leader: Member,
    promise: Promise<T>,
  ): Promise<{ kind: 'value'; value: T } | { kind: 'error'; error: unknown } | { kind: 'none' }> {
    let answer: { kind: 'value'; value: T } | { kind: 'error'; error: unknown } | undefined;
    promise.then(
      (value) => {
        answer = leader.isDead ? undefined : { kind: 'value', value };
      },
      (error: unknown) => {
        answer = leader.isDead ? undefined : { kind: 'error', error };
      },
    );
    await this.until(() => answer !== undefined || leader.isDead, 'an answer');
    return answer ?? { kind: 'none' };
  }
}
