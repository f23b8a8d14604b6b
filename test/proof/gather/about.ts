import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { About } from '../proof.ts';

const git = (root: string, ...args: readonly string[]): string | undefined => {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    // No git here, or no repository.
    return undefined;
  }
};

const osName = (): string => {
  const kernel = `${type()} ${release()}`;
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return name === undefined ? kernel : `${name}, ${kernel}`;
  } catch {
    return kernel;
  }
};

/** The state of the sources, and the machine. */
export const commitAndMachine = (root: string): Pick<About, 'commit' | 'isChanged' | 'machine'> => ({
  commit: git(root, 'rev-parse', 'HEAD'),
  isChanged: git(root, 'status', '--porcelain') !== '',
  machine: {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: osName(),
    node: process.version,
    loadBefore: loadavg()[0] ?? 0,
  },
});
