import { appendFileSync } from 'node:fs';
import { Configuration } from '../../../foundation/config/configuration.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { ProcessCluster } from '../process-cluster.ts';

/**
 * A process in place of a JobManager or TaskManager: it says what happens to it in the file `STAND_IN_EVENTS`, dies at its start if it is
 * the one that `STAND_IN_DIES` names, and ends when it is told to, unless `STAND_IN_DEAF` names it.
 */
const [kind = '', ...args] = process.argv.slice(2);
const { STAND_IN_EVENTS: events = '', STAND_IN_DIES: dies, STAND_IN_DEAF: deaf } = process.env;
const name = /resource-id=(?<name>\S+)/.exec(args.join(' '))?.groups?.['name'] ?? 'supervisor';
const say = (event: string): void => appendFileSync(events, `${name} ${event}\n`);

if (name === dies) {
  process.stdout.write('the reason of its death\n');
  process.exit(3);
}
const told = new Promise<void>((resolve) => {
  process.on('SIGTERM', () => {
    if (name !== deaf) {
      resolve();
    }
  });
});
say('started');
if (kind === 'cluster') {
  const folder = args.at(-1) ?? '';
  const program = [process.execPath, process.argv[1] ?? ''] as const;
  const cluster = new ProcessCluster({
    folder,
    program: [...program],
    env: process.env,
    leaderSession: () => Promise.resolve(undefined),
    clock: systemClock,
    logger: silentLogger,
  });
  await cluster.supervise(Configuration.of({}), told);
} else {
  const living = setInterval(() => {}, 1_000_000);
  await told;
  clearInterval(living);
}
say('ended');
