import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { millrace, type MillraceResult } from '../cli/millrace-process.ts';
import { submitJob, type SubmittedJob } from './submit-job.ts';

/** What takes longer hangs, whatever the machine does besides. */
const DEADLINE_MS = 60_000;
const LOOK_MS = 20;

/** A cluster as `millrace cluster` starts it, below a home of its own. */
export class BackgroundCluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-cluster-'));
  readonly #start: readonly string[];

  /** `start`: arguments of `millrace cluster start`. */
  constructor(...start: readonly string[]) {
    this.#start = ['-D', 'rest.bind-port=0', ...start];
  }

  get storage(): string {
    return join(this.folder, '.millrace', 'cluster', 'storage', 'default');
  }

  /** Errors: when it does not come up. */
  async start(): Promise<void> {
    const { code, stdout, stderr } = await this.run('cluster', 'start', ...this.#start);
    if (code !== 0) {
      throw new Error(`the cluster did not start (${code}):\n${stdout}\n${stderr}`);
    }
  }

  run(...args: readonly string[]): Promise<MillraceResult> {
    return millrace(args, { cwd: this.folder });
  }

  submitWith(flags: readonly string[], job: string, ...args: readonly string[]): Promise<SubmittedJob> {
    return submitJob((...command) => this.run('run', ...command), flags, job, args);
  }

  said(pattern: RegExp): readonly string[] {
    return this.log.split('\n').filter((line) => pattern.test(line));
  }

  /** What all its processes ever said. */
  get log(): string {
    const folder = join(this.folder, '.millrace', 'cluster', 'logs');
    return (existsSync(folder) ? readdirSync(folder) : [])
      .map((name) => `=== ${name}\n${readFileSync(join(folder, name), 'utf8')}`)
      .join('\n');
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    while (!(await holds())) {
      if (performance.now() > deadlineMs) {
        throw new Error(`${what}: not within ${DEADLINE_MS / 1000} s\n${this.log.slice(-20_000)}`);
      }
      await sleep(LOOK_MS);
    }
  }

  async close(): Promise<void> {
    await this.run('cluster', 'stop', '--no-checkpoint');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
