import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LogFollower } from './log-follower.ts';

const MILLRACE = join(import.meta.dirname, '..', '..', 'bin', 'millrace.js');
const LOOK_MS = 10;
const SUPERVISOR_ENDS_MS = 20_000;

export interface ClusterProcess {
  readonly name: string;
  readonly kind: 'jobmanager' | 'taskmanager' | 'supervisor';
  readonly pid: number;
}

/** What the logs of the cluster tell; `process` is whose log it was. */
export type ClusterEvent = { readonly process: string } & (
  | { readonly kind: 'printed'; readonly sum: number }
  | { readonly kind: 'leads' }
  | { readonly kind: 'serves' }
  | { readonly kind: 'job'; readonly state: string }
  | { readonly kind: 'checkpoint-completed' | 'restoring'; readonly checkpoint: number }
);

/** What tells an event in a line of a log, and what follows from its first group. */
const EVENTS: readonly (readonly [RegExp, (process: string, group: string) => ClusterEvent])[] = [
  [/^sum> (\d+)$/, (process, sum) => ({ process, kind: 'printed', sum: Number(sum) })],
  [/ leads with epoch (\d+)/, (process) => ({ process, kind: 'leads' })],
  // A JobManager that stands by, a TaskManager that has registered.
  [/ (Standby: waiting|Registered with the leader) /, (process) => ({ process, kind: 'serves' })],
  [/ Job ha-demo \(\w+\) switched from state \w+ to (\w+)/, (process, state) => ({ process, kind: 'job', state })],
  [
    / Completed checkpoint (\d+) /,
    (process, id) => ({ process, kind: 'checkpoint-completed', checkpoint: Number(id) }),
  ],
  [
    / Starting to restore from state handle: .*\bchk-(\d+)\b/,
    (process, id) => ({ process, kind: 'restoring', checkpoint: Number(id) }),
  ],
];

/** A cluster that the shipped command line starts, and what is done to it. */
export class DemoCluster {
  readonly #folder: string;
  readonly #home: string;
  readonly #logs = new Map<string, LogFollower>();
  #command: Promise<unknown> = Promise.resolve();

  constructor(home: string) {
    this.#home = home;
    this.#folder = join(home, 'cluster');
  }

  /** `millrace` with these arguments, as a user of this cluster alone would run it. Rejects when it fails. */
  millrace(...args: readonly string[]): Promise<void> {
    // In a session of its own: Ctrl-C must not tear it from processes that it is just starting.
    const child = spawn(process.execPath, [MILLRACE, ...args], {
      cwd: this.#home,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: this.#home,
        MILLRACE_RUN_DIR: this.#folder,
        // Free ones, whatever else runs on this machine.
        MILLRACE_CONF_REST_BIND_PORT: '0',
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const done = new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`millrace ${args.join(' ')} exited with ${code}:\n${output}`)),
      );
    });
    this.#command = done.catch(() => {});
    return done;
  }

  /** As its files name them. */
  processes(): readonly ClusterProcess[] {
    return this.#names(this.#folder, '.pid').map(
      (name) => JSON.parse(readFileSync(join(this.#folder, `${name}.pid`), 'utf8')) as ClusterProcess,
    );
  }

  /** What happened since the last call. */
  events(): readonly ClusterEvent[] {
    const folder = join(this.#folder, 'logs');
    return this.#names(folder, '.log').flatMap((process) => {
      const log = this.#logs.get(process) ?? new LogFollower(join(folder, `${process}.log`));
      this.#logs.set(process, log);
      return log.lines().flatMap((line) => eventsOf(process, line));
    });
  }

  /** `kill -9`. Returns which process it was. */
  kill(name: string): ClusterProcess {
    const victim = this.processes().find((process) => process.name === name);
    if (victim === undefined) {
      throw new Error(`the cluster has no process ${name}`);
    }
    send(victim, 'SIGKILL');
    return victim;
  }

  /** `kill -9` of all that there is, before any of them can do something about it. Returns which ones. */
  async killAll(): Promise<readonly ClusterProcess[]> {
    const victims = new Map<number, ClusterProcess>();
    // Another round for what the supervisor was just starting.
    for (let alive = this.#alive(); alive.length > 0; alive = this.#alive()) {
      for (const process of alive) {
        send(process, 'SIGKILL');
        victims.set(process.pid, process);
      }
      await sleep(LOOK_MS);
    }
    return [...victims.values()];
  }

  /** Leaves nothing behind, whatever is going on. */
  async end(): Promise<void> {
    await this.#command;
    const supervisor = this.#alive().find(({ kind }) => kind === 'supervisor');
    if (supervisor !== undefined) {
      // Told in order it finishes the start that it is at, so that its files name every process.
      send(supervisor, 'SIGTERM');
      for (let waitedMs = 0; isAlive(supervisor) && waitedMs < SUPERVISOR_ENDS_MS; waitedMs += LOOK_MS) {
        await sleep(LOOK_MS);
      }
    }
    await this.killAll();
  }

  /** The supervisor first, which would start others again. */
  #alive(): readonly ClusterProcess[] {
    return this.processes()
      .filter(isAlive)
      .toSorted((a, b) => Number(b.kind === 'supervisor') - Number(a.kind === 'supervisor'));
  }

  #names(folder: string, ending: string): readonly string[] {
    return existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith(ending))
          .map((name) => basename(name, ending))
          .toSorted()
      : [];
  }
}

const eventsOf = (process: string, line: string): readonly ClusterEvent[] => {
  for (const [pattern, event] of EVENTS) {
    const group = pattern.exec(line)?.[1];
    if (group !== undefined) {
      return [event(process, group)];
    }
  }
  return [];
};

const send = ({ pid }: ClusterProcess, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
      throw error;
    }
  }
};

/** One that has ended and that nobody has fetched (a zombie) lives no more. */
const isAlive = ({ pid }: ClusterProcess): boolean => {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !existsSync('/proc/self/stat') || !/^\d+ \(.*\) [ZX]/s.test(readFileSync(stat, 'utf8'));
  } catch {
    return false;
  }
};
