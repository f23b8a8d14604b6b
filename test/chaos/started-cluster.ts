import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { millrace, MillraceProcess, type MillraceOptions, type MillraceResult } from '../cli/millrace-command.ts';
import { QUORUM_VARIABLE, storeOfCluster } from './store-of-cluster.ts';

/** Far beyond what a drill of a few rounds takes: a busy machine is no failure. */
const DEADLINE_MS = 280_000;

/** `cluster start` has a store and a folder of its own unless another store is named: then the folder has to be, too. */
const storeOfStarted = (home: string): Readonly<Record<string, string>> =>
  process.env[QUORUM_VARIABLE] === undefined
    ? {}
    : { ...storeOfCluster(), 'high-availability.storageDir': join(home, 'storage') };

export interface StartedClusterOptions {
  readonly jobManagers: number;
  readonly taskManagers: number;
  readonly isSupervised?: boolean;
  readonly configuration?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs each `millrace`, such as `nsenter --net=<namespace>`. */
  readonly through?: readonly string[];
  /** Ctrl-C at the terminal reaches no command: whoever uses the cluster ends them, and closes it. */
  readonly isApart?: boolean;
}

/** A cluster of the shipped processes that `millrace cluster start` started in a folder of its own. */
export class StartedCluster {
  readonly home = mkdtempSync(join(tmpdir(), 'millrace-started-'));
  readonly folder = join(this.home, 'run');
  readonly #env: Readonly<Record<string, string>>;
  readonly #through: readonly string[];
  readonly #isApart: boolean;

  static async start(options: StartedClusterOptions): Promise<StartedCluster> {
    const cluster = new StartedCluster(options);
    const settings = { 'rest.bind-port': '0', ...storeOfStarted(cluster.home), ...options.configuration };
    const { code, stderr } = await cluster.run(
      ...['cluster', 'start', '--jobmanagers', String(options.jobManagers)],
      ...['--taskmanagers', String(options.taskManagers), ...(options.isSupervised === true ? ['--supervise'] : [])],
      ...Object.entries(settings).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
    );
    if (code !== 0) {
      rmSync(cluster.home, { recursive: true, force: true });
      throw new Error(`the cluster did not start (${code}):\n${stderr}`);
    }
    return cluster;
  }

  private constructor({ env = {}, through = [], isApart = false }: StartedClusterOptions) {
    this.#env = { ...env, MILLRACE_RUN_DIR: this.folder };
    this.#through = through;
    this.#isApart = isApart;
  }

  /** `millrace` with these arguments, for this cluster. */
  start(...args: readonly string[]): MillraceProcess {
    return new MillraceProcess(args, this.#options);
  }

  run(...args: readonly string[]): Promise<MillraceResult> {
    return millrace(args, this.#options);
  }

  get #options(): MillraceOptions {
    return {
      cwd: this.home,
      env: this.#env,
      through: this.#through,
      deadlineMs: DEADLINE_MS,
      isApart: this.#isApart,
    };
  }

  /** Lines of `cluster status`: name, pid, state. */
  async processes(): Promise<readonly { readonly name: string; readonly pid: number; readonly state: string }[]> {
    const { stdout } = await this.run('cluster', 'status');
    return [...stdout.matchAll(/^(?<name>\w+-\d+) +(?<pid>\d+) +(?<state>dead|alive\S*)/gm)].map(({ groups }) => ({
      name: groups!['name']!,
      pid: Number(groups!['pid']),
      state: groups!['state']!,
    }));
  }

  logOf(name: string): string {
    return readFileSync(join(this.folder, 'logs', `${name}.log`), 'utf8');
  }

  async close(): Promise<void> {
    await this.run('cluster', 'stop', '--no-checkpoint');
    rmSync(this.home, { recursive: true, force: true });
  }
}
