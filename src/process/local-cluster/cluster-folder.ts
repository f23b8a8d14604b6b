import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { ProcessKind } from '../../interfaces/cli/local-cluster.ts';
import { processIdentity } from './process-identity.ts';

const recordSchema = z.object({
  name: z.string().regex(/^[a-z]+(-\d+)?$/),
  kind: z.enum(['zookeeper', 'jobmanager', 'taskmanager', 'supervisor']),
  pid: z.int().positive(),
  identity: z.string().min(1),
  /** Where it does not run the `millrace` command. */
  executable: z.exactOptional(z.string().min(1)),
  args: z.array(z.string()),
  restPort: z.exactOptional(z.int()),
  /** Of a ZooKeeper server. */
  clientPort: z.exactOptional(z.int()),
  restarts: z.int().nonnegative(),
  log: z.string(),
});

/** A process that was started for the cluster, as its file says: enough to tell it from others and to start it again. */
export type ProcessRecord = z.infer<typeof recordSchema>;

const clusterSchema = z.object({
  version: z.literal(1),
  /** How clients reach the cluster. */
  settings: z.record(z.string(), z.string()),
});

const CLUSTER_FILE = 'cluster.json';
/** Ends the names of files that keep names from being taken twice. */
const CLAIM = '.claim';
const RECORD = /^(?<name>[a-z]+(?:-\d+)?)\.pid$/;
/** As they are started; each kind in the order of its numbers. */
const KINDS: readonly ProcessKind[] = ['zookeeper', 'jobmanager', 'taskmanager', 'supervisor'];

export const defaultClusterFolder = (env: Readonly<Record<string, string | undefined>>): string =>
  resolve(env['MILLRACE_RUN_DIR'] ?? join(homedir(), '.millrace', 'cluster'));

export const isAlive = ({ pid, identity }: Pick<ProcessRecord, 'pid' | 'identity'>): boolean =>
  processIdentity(pid) === identity;

/** What is kept of a cluster on this machine: a file for the cluster, one for each process, logs, and the HA store by default. */
export class ClusterFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get logs(): string {
    return join(this.path, 'logs');
  }

  /** Default of `high-availability.storageDir`. */
  get storage(): string {
    return join(this.path, 'storage');
  }

  /** Errors: FILESYSTEM. */
  async make(): Promise<void> {
    try {
      await mkdir(this.path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new MillraceError('FILESYSTEM', `cannot make the folder ${this.path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async settings(): Promise<Readonly<Record<string, string>> | undefined> {
    const text = await this.#read(CLUSTER_FILE);
    return text === undefined ? undefined : this.#parse(CLUSTER_FILE, clusterSchema, text).settings;
  }

  /** Makes this the folder of one cluster. Errors: BAD_OPTION when another start was faster. */
  async claim(settings: Readonly<Record<string, string>>): Promise<void> {
    try {
      await writeFile(join(this.path, CLUSTER_FILE), `${JSON.stringify({ version: 1, settings }, undefined, 2)}\n`, {
        flag: 'wx',
        mode: 0o600,
      });
    } catch (error) {
      throw codeOf(error) === 'EEXIST'
        ? new MillraceError('BAD_OPTION', `the cluster of ${this.path} is being started already`)
        : error;
    }
  }

  async release(): Promise<void> {
    const names = await readdir(this.path).catch(() => []);
    const claims = names.filter((name) => name.endsWith(CLAIM));
    await Promise.all([CLUSTER_FILE, ...claims].map((name) => rm(join(this.path, name), { force: true })));
  }

  async records(): Promise<readonly ProcessRecord[]> {
    const names = await readdir(this.path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') {
        return [];
      }
      throw error;
    });
    const found = await Promise.all(
      names
        .filter((name) => RECORD.test(name))
        .map(async (name) => {
          const text = await this.#read(name);
          return text === undefined ? undefined : this.#parse(name, recordSchema, text);
        }),
    );
    return found.filter((record) => record !== undefined).sort(inOrder);
  }

  /**
   * Names for new processes, behind those that there are, which no other command takes at the same time. To be given back when their files
   * are written; those of a command that was killed are not used again while the cluster is there.
   */
  async claimNames(kind: ProcessKind, count: number): Promise<{ readonly names: readonly string[] } & AsyncDisposable> {
    const used = (await this.records()).filter((record) => record.kind === kind).map(numberOf);
    const names: string[] = [];
    for (let number = Math.max(0, ...used) + 1; names.length < count; number++) {
      const name = `${kind}-${number}`;
      if (await this.#claimName(name)) {
        names.push(name);
      }
    }
    const giveBack = async (): Promise<void> => {
      await Promise.all(names.map((name) => rm(join(this.path, `${name}${CLAIM}`), { force: true })));
    };
    return { names, [Symbol.asyncDispose]: giveBack };
  }

  async #claimName(name: string): Promise<boolean> {
    const path = join(this.path, `${name}${CLAIM}`);
    try {
      await writeFile(path, '', { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (codeOf(error) === 'EEXIST') {
        return false;
      }
      throw error;
    }
    // Whoever had it may have written its file and given the claim back since the files were read.
    const isTaken = (await this.#read(`${name}.pid`)) !== undefined;
    if (isTaken) {
      await rm(path, { force: true });
    }
    return !isTaken;
  }

  /** Complete or not at all. */
  async write(record: ProcessRecord): Promise<void> {
    const path = join(this.path, `${record.name}.pid`);
    const temporary = `${path}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
    await rename(temporary, path);
  }

  async remove({ name }: Pick<ProcessRecord, 'name'>): Promise<void> {
    await rm(join(this.path, `${name}.pid`), { force: true });
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  #parse<T>(name: string, schema: z.ZodType<T>, text: string): T {
    try {
      return schema.parse(JSON.parse(text));
    } catch (error) {
      throw new MillraceError(
        'CORRUPT_DATA',
        `${join(this.path, name)} cannot be read; end the processes of the cluster by hand, then remove the file`,
        { cause: error },
      );
    }
  }
}

const inOrder = (a: ProcessRecord, b: ProcessRecord): number =>
  KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || numberOf(a) - numberOf(b);

const numberOf = ({ name }: ProcessRecord): number => Number(/\d+$/.exec(name)?.[0] ?? 0);
