import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Configuration } from '../../src/foundation/config/configuration.ts';
import { bundleJob } from '../../src/interfaces/cli/bundle/bundle-job.ts';
import { planForCluster } from '../../src/process/plan-for-cluster.ts';
import { ProcessLog } from './process-log.ts';
import type { FailoverStore } from './store.ts';

const MILLRACE = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url));
const JOBS = fileURLToPath(new URL('../jobs', import.meta.url));
const LOOK_MS = 50;
const DEADLINE_MS = 120_000;

export type Role = 'jobmanager' | 'taskmanager';

export interface ClusterProcess {
  readonly name: string;
  readonly role: Role;
  readonly child: ChildProcess;
  readonly log: ProcessLog;
}

export interface ClusterOptions {
  readonly jobManagers: number;
  readonly taskManagers: number;
  readonly slots: number;
  /** On the monotonic clock of this process: nothing is awaited any longer. */
  readonly endsMs: number;
  readonly store: FailoverStore;
}

/** What was awaited did not come in the time that the whole measurement has. */
export class TimeIsOver extends Error {}

/** The shipped processes with their defaults, besides the store, the folder, ports and the number of slots. */
export class FailoverCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-failover-'));
  readonly #processes = new Map<string, ClusterProcess>();
  readonly #settings: readonly string[];
  readonly #endsMs: number;
  #starts = 0;

  constructor({ jobManagers, taskManagers, slots, endsMs, store }: ClusterOptions) {
    this.#endsMs = endsMs;
    this.#settings = Object.entries({
      ...store.settings,
      'high-availability.storageDir': join(this.folder, 'storage'),
      'rest.port': '0',
      'taskmanager.numberOfTaskSlots': String(slots),
    }).flatMap(([key, value]) => ['-D', `${key}=${value}`]);
    mkdirSync(join(this.folder, 'logs'));
    mkdirSync(join(this.folder, 'work'));
    for (let index = 1; index <= jobManagers; index++) {
      this.start('jobmanager', `jobmanager-${index}`);
    }
    for (let index = 1; index <= taskManagers; index++) {
      this.start('taskmanager', `taskmanager-${index}`);
    }
  }

  /** Where jobs write to. */
  get work(): string {
    return join(this.folder, 'work');
  }

  get running(): readonly ClusterProcess[] {
    return [...this.#processes.values()].filter(({ child }) => child.exitCode === null && child.signalCode === null);
  }

  byPid(pid: number): ClusterProcess | undefined {
    return this.running.find(({ child }) => child.pid === pid);
  }

  start(role: Role, name: string): void {
    const path = join(this.folder, 'logs', `${name}-${++this.#starts}.log`);
    const file = openSync(path, 'w');
    const own = role === 'taskmanager' ? ['-D', `taskmanager.resource-id=${name}`] : [];
    const child = spawn(process.execPath, [MILLRACE, role, ...this.#settings, ...own], {
      cwd: this.folder,
      stdio: ['ignore', file, file],
      env: { PATH: process.env['PATH'], HOME: this.folder, TMPDIR: this.folder },
    });
    closeSync(file);
    this.#processes.set(name, { name, role, child, log: new ProcessLog(path) });
  }

  /** Reads what the processes said since the last look. */
  look(): void {
    this.#processes.forEach(({ log }) => log.look());
  }

  /** Whoever was granted leadership last, if it runs. */
  get leader(): ClusterProcess | undefined {
    const newest = [...this.#processes.values()]
      .filter(({ log }) => log.term !== undefined)
      .toSorted((one, other) => one.log.term!.epoch - other.log.term!.epoch)
      .at(-1);
    return newest !== undefined && this.running.includes(newest) ? newest : undefined;
  }

  async until(what: string, holds: () => boolean, withinMs = DEADLINE_MS): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      this.look();
      if (holds()) {
        return;
      }
      if (performance.now() > this.#endsMs) {
        throw new TimeIsOver(what);
      }
      if (performance.now() > deadlineMs) {
        throw new Error(`${what}: not within ${withinMs / 1_000} s; see ${this.folder}`);
      }
      await sleep(LOOK_MS);
    }
  }

  /** Submits a job of `benchmarks/jobs` once for each list of arguments; returns the ids. */
  async submit(name: string, runs: readonly (readonly string[])[], settings = {}): Promise<readonly string[]> {
    const bundle = await bundleJob(join(JOBS, name));
    const configuration = Configuration.of(settings);
    const ids: string[] = [];
    for (const args of runs) {
      const planned = await planForCluster({ bundle, args, configuration, inline: false });
      const jobId = randomBytes(16).toString('hex');
      const body = JSON.stringify({
        jobId,
        jobGraph: Buffer.from(planned.jobGraph).toString('base64'),
        bundle: { code: bundle.code, hash: bundle.hash },
        args,
        env: {},
        configuration: planned.configuration,
      });
      await this.#post(name, body);
      ids.push(jobId);
    }
    return ids;
  }

  /** The same again while nobody leads: the id in it makes it one job. */
  async #post(name: string, body: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    for (;;) {
      await this.until('a JobManager leads', () => this.leader?.log.term?.ledMs !== undefined);
      // Whoever leads may end at this moment.
      const response = await fetch(`${this.restAddress}/jobs`, { method: 'POST', headers, body }).catch(
        () => undefined,
      );
      if (response?.ok === true) {
        return;
      }
      if (response !== undefined && response.status !== 503) {
        throw new Error(`job ${name} was not accepted: ${response.status} ${await response.text()}`);
      }
      await sleep(LOOK_MS);
    }
  }

  get restAddress(): string {
    return this.leader?.log.restAddress ?? '';
  }

  /** Resident memory in MB. */
  residentMb({ child }: ClusterProcess): number {
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024);
  }

  async end(process: ClusterProcess): Promise<void> {
    if (!this.running.includes(process)) {
      return;
    }
    const gone = new Promise((resolve) => {
      process.child.once('exit', resolve);
    });
    process.child.kill('SIGKILL');
    await gone;
  }

  async close(keepFiles: boolean): Promise<void> {
    await Promise.all(this.running.map((process) => this.end(process)));
    if (!keepFiles) {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}
