import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** Every benchmark, each in a process of its own; names on the command line choose some of them. */
const ALL = ['chain', 'codec', 'exchange', 'state', 'pause', 'startup', 'rpc', 'copies'];

const args = process.argv.slice(2);
const flags = args.filter((arg) => arg.startsWith('--'));
const chosen = args.filter((arg) => !arg.startsWith('--'));
const unknown = chosen.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`bench: there is no benchmark ${unknown.join(', ')}; there are ${ALL.join(', ')}\n`);
  process.exit(2);
}
process.stdout.write(`Node ${process.versions.node}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'unknown'}\n`);
for (const name of chosen.length > 0 ? chosen : ALL) {
  process.stdout.write(`\n== ${name}\n`);
  const script = join(import.meta.dirname, `${name}.ts`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', script, ...flags], { stdio: 'inherit' });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}
