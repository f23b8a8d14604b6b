#!/usr/bin/env node
// The first command in a fresh clone works: installs what the lock file names where it is missing, builds, then runs the
// wanted script under the Node version that the project pins. Plain JavaScript, so that any Node from 20.19 on can start it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.millrace-installed');
const bin = (name) => join(modules, '.bin', name);

/** What each npm script does once everything is installed: commands of the project's own Node. */
const steps = {
  build: [],
  demo: [['node', 'examples/demo/demo.mjs']],
  test: [['vitest', 'run']],
  'test:chaos': [['vitest', 'run', '--config', 'vitest.chaos.config.ts']],
  'test:hosts': [['vitest', 'run', '--config', 'vitest.hosts.config.ts']],
  'test:format': [['vitest', 'run', '--config', 'vitest.format.config.ts']],
  bench: [['node', 'benchmarks/bench.ts']],
  check: [
    ['oxfmt', '--check', '.'],
    ['oxlint', '--type-aware', '--deny-warnings'],
    ['tsc', '--noEmit', '-p', 'tsconfig.json'],
  ],
};

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const run = (command, args, what) => {
  const env = { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH}` };
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (result.error !== undefined) {
    fail(`${what}: ${result.error.message}`);
  }
  if (result.status !== 0) {
    process.exit(result.status ?? 1);
  }
};

const install = () => {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) {
    return;
  }
  process.stderr.write('Installing the packages of package-lock.json ...\n');
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], 'npm ci');
  mkdirSync(modules, { recursive: true });
  writeFileSync(stamp, lock);
};

const [script, ...rest] = process.argv.slice(2);
if (!(script in steps)) {
  fail(`usage: node scripts/bootstrap.mjs ${Object.keys(steps).join('|')}`);
}
install();
run(bin('tsc'), ['-p', 'tsconfig.build.json'], 'build');
for (const [index, [command, ...args]] of steps[script].entries()) {
  const last = index === steps[script].length - 1;
  run(bin(command), [...args, ...(last ? rest : [])], command);
}
