import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { millrace, type MillraceResult } from '../cli/millrace-process.ts';
import { processEnvironment } from '../process-environment.ts';
import { GrowingFile } from './growing-file.ts';
import { storeOfCluster } from './store-of-cluster.ts';
import { submitJob, type SubmittedJob } from './submit-job.ts';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
/** What takes longer hangs, whatever the machine does besides. */
const DEADLINE_MS = 60_000;
const LOOK_MS = 20;
const SHOWN_OF_EACH = 4_000;

type Role = 'jobmanager' | 'taskmanager';

interface Started {
  readonly name: string;
  readonly role: Role;
  readonly child: ChildProcess;
  readonly log: GrowingFile;
}

export interface ClusterOptions {
  readonly jobManagers: number;
  readonly taskManagers: number;
  readonly slots?: number;
  /** So many processes start at the same time: many at once only keep each other from starting. */
  readonly atOnce?: number;
  readonly configuration?: Readonly<Record<string, string>>;
  /** Of all processes and commands, beside `PATH` and folders: for values that no list of processes may show. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs `millrace` for `run`, such as `ip netns exec <host>`. */
  readonly through?: readonly string[];
}

/** What makes a process other than its fellows. */
export interface ProcessPlace {
  /** A command that runs it, such as `ip netns exec <host>`. */
  readonly through?: readonly string[];
  readonly configuration?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Another installation than this one. */
  readonly program?: string;
}

/** A cluster of the shipped processes, each a child of the test, in a folder of its own. */
export class ClusterUnderTest {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
  readonly #options: ClusterOptions;
  readonly #store = storeOfCluster();
  readonly #processes = new Map<string, Started>();
  /** Of every process that was ever started, in the order of their starts. */
  readonly #logs: GrowingFile[] = [];
  #starts = 0;

  /** Without any process yet. */
  static create(options: Omit<ClusterOptions, 'jobManagers' | 'taskManagers'> = {}): ClusterUnderTest {
    const cluster = new ClusterUnderTest({ ...options, jobManagers: 0, taskManagers: 0 });
    mkdirSync(join(cluster.folder, 'logs'));
    return cluster;
  }

  static async start(options: ClusterOptions): Promise<ClusterUnderTest> {
    const cluster = new ClusterUnderTest(options);
    mkdirSync(join(cluster.folder, 'logs'));
    const { jobManagers, taskManagers, atOnce = Number.POSITIVE_INFINITY } = options;
    for (let index = 1; index <= jobManagers; index++) {
      cluster.startProcess('jobmanager', `jobmanager-${index}`);
    }
    for (let index = 1; index <= taskManagers; index++) {
      cluster.startProcess('taskmanager', `taskmanager-${index}`);
      await cluster.until(
        'TaskManagers are registered',
        () => cluster.said(/ registered with \d+ slot/).length >= (index < taskManagers ? index + 1 - atOnce : index),
      );
    }
    return cluster;
  }

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Arguments that lead every command to this cluster. */
  get settings(): readonly string[] {
    return Object.entries({
      ...this.#store,
      'high-availability.storageDir': join(this.folder, 'storage'),
      'jobmanager.rpc.port': '0',
      'rest.port': '0',
      'execution.checkpointing.local-backup.dirs': this.localState,
      'taskmanager.numberOfTaskSlots': String(this.#options.slots ?? 2),
      ...this.#options.configuration,
    }).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  }

  /** What the HA store, job graphs and checkpoints are in. */
  get storage(): string {
    return join(this.folder, 'storage', 'default');
  }

  /** Where TaskManagers keep copies of state. */
  get localState(): string {
    return join(this.folder, 'local-state');
  }

  startProcess(role: Role, name: string, place: ProcessPlace = {}): void {
    const { through = [], configuration = {}, args = [], program: installed = MILLRACE } = place;
    const path = join(this.folder, 'logs', `${name}-${++this.#starts}.log`);
    const file = openSync(path, 'w');
    const own = Object.entries({
      ...(role === 'taskmanager' ? { 'taskmanager.resource-id': name } : {}),
      ...configuration,
    }).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
    const [program, ...rest] = [...through, process.execPath, installed, role, ...this.settings, ...own, ...args];
    const child = spawn(program!, rest, {
      cwd: this.folder,
      stdio: ['ignore', file, file],
      env: { ...processEnvironment(this.folder), ...this.#options.env },
    });
    closeSync(file);
    const log = new GrowingFile(path);
    this.#logs.push(log);
    this.#processes.set(name, { name, role, child, log });
  }

  /** The processes that run. */
  get running(): readonly string[] {
    return [...this.#processes.values()]
      .filter(({ child }) => child.exitCode === null && child.signalCode === null)
      .map(({ name }) => name);
  }

  /** Whoever was granted leadership last, if it lives. */
  get leader(): string | undefined {
    let newest: { readonly epoch: number; readonly name: string } | undefined;
    for (const { name, role, log } of this.#processes.values()) {
      for (const [, epoch] of role === 'jobmanager' ? log.text.matchAll(LEADS) : []) {
        if (newest === undefined || Number(epoch) > newest.epoch) {
          newest = { epoch: Number(epoch), name };
        }
      }
    }
    return newest !== undefined && this.running.includes(newest.name) ? newest.name : undefined;
  }

  pidOf(name: string): number | undefined {
    return this.#processes.get(name)?.child.pid;
  }

  /** `null`: it runs, or was killed. */
  exitCodeOf(name: string): number | null {
    return this.#processes.get(name)!.child.exitCode;
  }

  /** What the process of this name that was started last said. */
  logOf(name: string): string {
    return this.#processes.get(name)?.log.text ?? '';
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#processes.get(name)?.child.kill(signal);
  }

  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this.#processes.get(name)!;
    const gone = new Promise((resolve) => {
      child.once('exit', resolve);
    });
    child.kill(signal);
    await gone;
  }

  /** All of them in the same instant; resolves when they are gone. */
  async killAll(names: readonly string[] = this.running): Promise<void> {
    await Promise.all(names.map((name) => this.kill(name)));
  }

  /** Asks it to end, and resolves with its exit code. */
  async stop(name: string): Promise<number | null> {
    const { child } = this.#processes.get(name)!;
    const gone = new Promise<number | null>((resolve) => {
      child.once('exit', resolve);
    });
    child.kill('SIGTERM');
    return gone;
  }

  /** A process that ended, by its name. */
  startAgain(name: string): void {
    this.startProcess(this.#processes.get(name)!.role, name);
  }

  /** `millrace` with these arguments, for this cluster; its own options come before those. */
  run(command: string, ...args: readonly string[]): Promise<MillraceResult> {
    const { env = {}, through = [] } = this.#options;
    return millrace([...command.split(' '), ...this.settings, ...args], { cwd: this.folder, env, through });
  }

  /** Submits a job of `jobs/`; returns its id. */
  async submit(job: string, ...args: readonly string[]): Promise<string> {
    return (await this.submitWith([], job, ...args)).jobId;
  }

  /** `flags`: options of `millrace run`. */
  submitWith(flags: readonly string[], job: string, ...args: readonly string[]): Promise<SubmittedJob> {
    return submitJob((...command) => this.run('run', ...command), flags, job, args);
  }

  /** What any process said, in the order in which the processes were started. */
  said(pattern: RegExp): readonly string[] {
    return this.#logs.flatMap((log) => log.lines.filter((line) => pattern.test(line)));
  }

  /** What the newest process of that name said. */
  saidBy(name: string, pattern: RegExp): readonly string[] {
    return this.#processes.get(name)!.log.lines.filter((line) => pattern.test(line));
  }

  get log(): string {
    return this.#logs.map((log) => `=== ${log.path}\n${log.text}`).join('\n');
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    while (!(await holds())) {
      if (performance.now() > deadlineMs) {
        const ends = this.#logs.map(({ path, text }) => `=== ${path}\n${text.slice(-SHOWN_OF_EACH)}`);
        throw new Error(`${what}: not within ${DEADLINE_MS / 1000} s\n${ends.join('\n')}`);
      }
      await sleep(LOOK_MS);
    }
  }

  /** Asks the REST endpoint of a JobManager: of this one, or of any that runs; again while nobody leads, as on a busy machine. Rejects when the answer is an error. */
  async ask(path: string, name?: string): Promise<unknown> {
    const names = name === undefined ? this.running : [name];
    const endpoints = names.flatMap((each) => /REST endpoint at (http:\S+)/.exec(this.logOf(each))?.[1] ?? []);
    let answer: unknown;
    await this.until(`${path} is answered`, async () => {
      const response = await fetch(`${endpoints[0]}${path}`);
      answer = await response.json();
      if (!response.ok && response.status !== 503) {
        throw new Error(`${path} is answered ${response.status}: ${JSON.stringify(answer)}`);
      }
      return response.ok;
    });
    return answer;
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((name) => this.kill(name)));
    if (process.env['MILLRACE_CHAOS_KEEP'] === undefined) {
      rmSync(this.folder, { recursive: true, force: true });
    } else {
      process.stdout.write(`kept: ${this.folder}\n`);
    }
  }
}

const LEADS = / leads with epoch (\d+)/g;
