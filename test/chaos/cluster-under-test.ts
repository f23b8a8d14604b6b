import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { millrace, type MillraceResult } from '../cli/millrace-process.ts';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
/** What takes longer hangs, whatever the machine does besides. */
const DEADLINE_MS = 60_000;
const LOOK_MS = 20;

type Role = 'jobmanager' | 'taskmanager';

interface Started {
  readonly name: string;
  readonly role: Role;
  readonly child: ChildProcess;
  readonly log: string;
}

export interface ClusterOptions {
  readonly jobManagers: number;
  readonly taskManagers: number;
  readonly slots?: number;
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
}

/** A cluster of the shipped processes, each a child of the test, in a folder of its own. */
export class ClusterUnderTest {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
  readonly #options: ClusterOptions;
  readonly #processes = new Map<string, Started>();
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
    for (let index = 1; index <= options.jobManagers; index++) {
      cluster.startProcess('jobmanager', `jobmanager-${index}`);
    }
    for (let index = 1; index <= options.taskManagers; index++) {
      cluster.startProcess('taskmanager', `taskmanager-${index}`);
    }
    await cluster.until(
      'all TaskManagers are registered',
      () => cluster.said(/ registered with \d+ slot/).length >= options.taskManagers,
    );
    return cluster;
  }

  private constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Arguments that lead every command to this cluster. */
  get settings(): readonly string[] {
    return Object.entries({
      'high-availability.type': 'embedded',
      'high-availability.storageDir': join(this.folder, 'storage'),
      'jobmanager.rpc.port': '0',
      'rest.port': '0',
      'execution.checkpointing.local-backup.dirs': this.localState,
      'taskmanager.numberOfTaskSlots': String(this.#options.slots ?? 2),
      ...this.#options.configuration,
    }).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  }

  /** Where TaskManagers keep copies of state. */
  get localState(): string {
    return join(this.folder, 'local-state');
  }

  startProcess(role: Role, name: string, { through = [], configuration = {}, args = [] }: ProcessPlace = {}): void {
    const log = join(this.folder, 'logs', `${name}-${++this.#starts}.log`);
    const file = openSync(log, 'w');
    const own = Object.entries({
      ...(role === 'taskmanager' ? { 'taskmanager.resource-id': name } : {}),
      ...configuration,
    }).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
    const [program, ...rest] = [...through, process.execPath, MILLRACE, role, ...this.settings, ...own, ...args];
    const child = spawn(program!, rest, {
      cwd: this.folder,
      stdio: ['ignore', file, file],
      env: { PATH: process.env['PATH'], HOME: this.folder, TMPDIR: this.folder, ...this.#options.env },
    });
    closeSync(file);
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
      for (const [, epoch] of role === 'jobmanager' ? readFileSync(log, 'utf8').matchAll(LEADS) : []) {
        if (newest === undefined || Number(epoch) > newest.epoch) {
          newest = { epoch: Number(epoch), name };
        }
      }
    }
    return newest !== undefined && this.running.includes(newest.name) ? newest.name : undefined;
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

  pidOf(name: string): number {
    return this.#processes.get(name)!.child.pid!;
  }

  /** What the process said since its newest start. */
  logOf(name: string): string {
    return readFileSync(this.#processes.get(name)!.log, 'utf8');
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
  submit(job: string, ...args: readonly string[]): Promise<string> {
    return this.submitWith([], job, ...args);
  }

  /** `flags`: options of `millrace run`. */
  async submitWith(flags: readonly string[], job: string, ...args: readonly string[]): Promise<string> {
    const file = join(import.meta.dirname, 'jobs', job);
    const { code, stdout, stderr } = await this.run('run', '--detached', '--no-check', ...flags, file, ...args);
    const jobId = /Job has been submitted with JobID ([0-9a-f]{32})/.exec(stdout + stderr)?.[1];
    if (code !== 0 || jobId === undefined) {
      throw new Error(`the job was not accepted (${code}):\n${stdout}\n${stderr}`);
    }
    return jobId;
  }

  /** What any process said, in the order of the files. */
  said(pattern: RegExp): readonly string[] {
    return this.log.split('\n').filter((line) => pattern.test(line));
  }

  /** What the newest process of that name said. */
  saidBy(name: string, pattern: RegExp): readonly string[] {
    const { log } = this.#processes.get(name)!;
    return readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => pattern.test(line));
  }

  get log(): string {
    const folder = join(this.folder, 'logs');
    return readdirSync(folder)
      .map((name) => `=== ${name}\n${readFileSync(join(folder, name), 'utf8')}`)
      .join('\n');
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    while (!holds()) {
      if (performance.now() > deadlineMs) {
        throw new Error(`${what}: not within ${DEADLINE_MS / 1000} s\n${this.log.slice(-20_000)}`);
      }
      await sleep(LOOK_MS);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((name) => this.kill(name)));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const LEADS = / leads with epoch (\d+)/g;
