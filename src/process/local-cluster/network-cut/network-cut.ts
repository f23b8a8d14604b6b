import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { ClusterProcess, NetworkCuts } from '../../../interfaces/cli/local-cluster.ts';
import { processIdentity } from '../process-identity.ts';
import { groupIn, groupMountIn, levelOf } from './control-group.ts';
import { cutRules } from './cut-rules.ts';
import { runProgram } from './run-program.ts';
import { socketsOf, type ProcessSockets } from './socket-table.ts';

export interface NetworkCutOptions {
  /** Of the cluster: where it is written down that there is a cut, for whoever has to end it. */
  readonly folder: string;
  /** False: that number is another process's by now. */
  readonly isAlive: (process: Pick<ClusterProcess, 'name' | 'pid'>) => Promise<boolean>;
  /** Who asks, and on what; this process when missing. */
  readonly asker?: { readonly platform: NodeJS.Platform; readonly userId: number | undefined };
}

const GROUPS = '/sys/fs/cgroup';
const NO_SOCKETS: ProcessSockets = { ports: [], pairs: [] };

const recordSchema = z.object({
  home: z.string(),
  group: z.string(),
  /** Who is to end it. */
  by: z.object({ pid: z.int(), identity: z.string() }),
});

/** Where a process is put while it is cut off. */
interface Place {
  /** Its own control group. */
  readonly home: string;
  /** A new one in that: limits go on to count. */
  readonly group: string;
  readonly level: number;
}

/**
 * Cuts processes off that share the network of this machine with all others, one at a time: rules of the kernel's packet filter, in a
 * table of their own, drop what they send and what is sent to them. Nobody is told, as with a cable that is pulled.
 */
export class NetworkCut implements NetworkCuts {
  readonly #options: NetworkCutOptions;
  /** Two clusters on this machine never touch each other's. */
  readonly #name: string;

  constructor(options: NetworkCutOptions) {
    this.#options = options;
    this.#name = `millrace_drill_${createHash('sha256').update(options.folder).digest('hex').slice(0, 8)}`;
  }

  get undo(): string {
    return `nft delete table inet ${this.#name}`;
  }

  async obstacle(): Promise<string | undefined> {
    const { platform, userId } = this.#options.asker ?? { platform: process.platform, userId: process.geteuid?.() };
    if (platform !== 'linux') {
      return `cutting a process off takes the packet filter of Linux, and this is ${platform}`;
    }
    if (userId !== 0) {
      return 'cutting a process off changes the packet filter of this machine, which only root may; run the drill as root, with the --run-dir of the cluster';
    }
    const mount = groupMountIn(readFileSync('/proc/self/mountinfo', 'utf8'));
    if (mount === undefined || !isBelow(GROUPS, mount.folder)) {
      return `cutting a process off takes control groups of version 2 below ${GROUPS}, and none are mounted there`;
    }
    const rules = cutRules({ ...NO_SOCKETS, table: this.#name, group: undefined, groupLevel: 1, limitMs: 1_000 });
    try {
      await runProgram('nft', ['--check', '--file', '-'], rules);
      return undefined;
    } catch (thrown) {
      return codeOf(thrown) === 'ENOENT'
        ? 'cutting a process off takes the command nft, which is not installed; its package is nftables (apt-get install nftables, dnf install nftables)'
        : `cutting a process off does not work on this machine: ${messageOf(thrown)}`;
    }
  }

  preview(victim: ClusterProcess, limitMs: number): readonly string[] {
    const { group, level } = this.#placeOf(victim.pid);
    return [
      `mkdir ${group}`,
      `echo ${victim.pid} > ${join(group, 'cgroup.procs')}`,
      "nft --file - <<'END'",
      ...this.#rulesFor(victim.pid, group, level, limitMs).trimEnd().split('\n'),
      'END',
    ];
  }

  async cut(victim: Pick<ClusterProcess, 'name' | 'pid'>, limitMs: number): Promise<boolean> {
    await this.end();
    const { pid } = victim;
    if (!(await this.#options.isAlive(victim))) {
      return false;
    }
    try {
      if (readlinkSync(`/proc/${pid}/ns/net`) !== readlinkSync('/proc/self/ns/net')) {
        throw new MillraceError(
          'UNSUPPORTED',
          `${victim.name} (pid ${pid}) is in another network namespace than this command; run the drill in the same one`,
        );
      }
      const { home, group, level } = this.#placeOf(pid);
      const by = { pid: process.pid, identity: processIdentity(process.pid) };
      writeFileSync(this.#record, `${JSON.stringify({ home, group, by })}\n`, { mode: 0o600 });
      mkdirSync(group, { recursive: true });
      // What it opens from here on is in the group; what it had before is in the tables that are read next.
      writeFileSync(join(group, 'cgroup.procs'), String(pid));
      await runProgram('nft', ['--file', '-'], this.#rulesFor(pid, group, level, limitMs));
      return true;
    } catch (thrown) {
      await this.end();
      if (!(await this.#options.isAlive(victim))) {
        return false;
      }
      throw thrown instanceof MillraceError
        ? thrown
        : new MillraceError('UNSUPPORTED', `${victim.name} cannot be cut off: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  async end(): Promise<boolean> {
    if (!existsSync(this.#record)) {
      return false;
    }
    const { home, group, by } = recordSchema.parse(JSON.parse(readFileSync(this.#record, 'utf8')));
    if (by.pid !== process.pid && processIdentity(by.pid) === by.identity) {
      throw new MillraceError(
        'BAD_OPTION',
        `another drill of this cluster is at work (pid ${by.pid}) and has cut a process off`,
      );
    }
    try {
      // Adding one that is there changes nothing, and deleting one that is not there fails.
      await runProgram('nft', ['--file', '-'], `add table inet ${this.#name}\ndelete table inet ${this.#name}\n`);
    } catch (thrown) {
      throw new MillraceError(
        'UNSUPPORTED',
        `the cut of an earlier drill cannot be ended (${messageOf(thrown)}); as root: ${this.undo}; rm ${this.#record}`,
        { cause: thrown },
      );
    }
    leave(group, home);
    rmSync(this.#record, { force: true });
    return true;
  }

  get #record(): string {
    return join(this.#options.folder, 'network-cut.json');
  }

  #rulesFor(pid: number, group: string, level: number, limitMs: number): string {
    return cutRules({
      ...readSockets(pid),
      table: this.#name,
      group: relative(GROUPS, group),
      groupLevel: level,
      limitMs,
    });
  }

  #placeOf(pid: number): Place {
    const mount = groupMountIn(readFileSync('/proc/self/mountinfo', 'utf8'));
    const own = groupIn(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    if (mount === undefined || own === undefined) {
      throw new MillraceError('UNSUPPORTED', `process ${pid} is in no control group of version 2`);
    }
    const home = join(mount.folder, relative(mount.root, own));
    const group = join(home, this.#name);
    return { home, group, level: levelOf(join(own, this.#name)) };
  }
}

const isBelow = (folder: string, path: string): boolean => !relative(folder, path).startsWith('..');

const readSockets = (pid: number): ProcessSockets => {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      // It was closed meanwhile.
      return [];
    }
  });
  const tables = ['tcp', 'tcp6']
    .map((name) => `/proc/${pid}/net/${name}`)
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'));
  return socketsOf(tables, links);
};

/** Everybody in the group goes back: the process, and what it has started meanwhile. */
const leave = (group: string, home: string): void => {
  if (!existsSync(group)) {
    return;
  }
  for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
    try {
      writeFileSync(join(home, 'cgroup.procs'), pid);
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') {
        throw error;
      }
    }
  }
  try {
    rmdirSync(group);
  } catch (error) {
    // Somebody in it is just ending; an empty group does no harm, and the next cut takes it.
    if (codeOf(error) !== 'EBUSY') {
      throw error;
    }
  }
};
