#!/usr/bin/env node
// The first command in a fresh clone works: installs what the lock file names where it is missing, builds, then runs the
// wanted script under the Node version that the project pins. Plain JavaScript, so that any Node from 20.19 on can start it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.millrace-installed');
const bin = (name) => join(modules, '.bin', name);

/** What each npm script does once everything is installed: commands of the project's own Node. */
const steps = {
  build: [],
  demo: [['node', 'examples/demo/demo.ts']],
  'demo:process': [['node', 'examples/demo/process-demo.ts']],
  test: [['vitest', 'run']],
  'test:chaos': [['vitest', 'run', '--config', 'vitest.chaos.config.ts']],
  'test:chaos:zookeeper': [['vitest', 'run', '--config', 'vitest.chaos-zookeeper.config.ts']],
  'test:hosts': [['vitest', 'run', '--config', 'vitest.hosts.config.ts']],
  'test:format': [['vitest', 'run', '--config', 'vitest.format.config.ts']],
  'test:model': [['node', 'test/model/check.ts']],
  'test:integration': [['vitest', 'run', '--config', 'vitest.integration.config.ts']],
  simulate: [['node', 'test/simulation/simulate.ts']],
  prove: [['node', 'test/proof/prove.ts']],
  bench: [['node', 'benchmarks/bench.ts']],
  'bench:failover': [['node', 'benchmarks/failover.ts']],
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

/** What is running. It may have to clean up: this process ends only after it, whatever signal comes. */
let child;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to both of them.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) {
      child?.kill(signal);
    }
  });
}

const run = async (command, args, what) => {
  const env = { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH}` };
  child = spawn(command, args, { cwd: root, stdio: 'inherit', env });
  const status = await new Promise((resolve) => {
    child.on('error', (error) => fail(`${what}: ${error.message}`));
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
  if (status !== 0) {
    process.exit(status);
  }
};

const install = async () => {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) {
    return;
  }
  process.stderr.write('Installing the packages of package-lock.json ...\n');
  await run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], 'npm ci');
  mkdirSync(modules, { recursive: true });
  writeFileSync(stamp, lock);
};

const [script, ...rest] = process.argv.slice(2);
if (!(script in steps)) {
  fail(`usage: node scripts/bootstrap.mjs ${Object.keys(steps).join('|')}`);
}
await install();
await run(bin('tsc'), ['-p', 'tsconfig.build.json'], 'build');
for (const [index, [command, ...args]] of steps[script].entries()) {
  const last = index === steps[script].length - 1;
  await run(bin(command), [...args, ...(last ? rest : [])], command);
}
