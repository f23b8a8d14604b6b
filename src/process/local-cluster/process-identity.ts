import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Where a process's state and its start stand in `/proc/<pid>/stat`, counted from behind its name. */
const STATE = 0;
const START_TIME = 19;

/**
 * What tells a process from a later one of the same number: when it started. `undefined`: there is no living process of that number;
 * one that has ended and that nobody has fetched (a zombie) lives no more.
 */
export const processIdentity = (pid: number): string | undefined =>
  process.platform === 'linux' ? fromProc(pid) : fromPs(pid);

/**
 * Within it a process number means the same process: the running kernel and the namespace of its processes. Containers have namespaces
 * of their own, and a folder may be shared by machines.
 */
export const processSpace = (): string => {
  if (process.platform !== 'linux') {
    return hostname();
  }
  try {
    return `${bootId()}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // Shared with nobody: without /proc no process can be told from another.
    return `${hostname()}/${process.pid}/${performance.timeOrigin}`;
  }
};

const fromProc = (pid: number): string | undefined => {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name, in parentheses, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[STATE];
  return state === undefined || 'ZXx'.includes(state) ? undefined : `${bootId()}/${fields[START_TIME] ?? ''}`;
};

let boot: string | undefined;

/** Start times count from the start of the machine. */
const bootId = (): string => {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
};

const fromPs = (pid: number): string | undefined => {
  try {
    const [state = '', ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
};
