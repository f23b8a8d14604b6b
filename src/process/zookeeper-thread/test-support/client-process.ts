import { createInterface } from 'node:readline';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { startZooKeeperThread } from '../zookeeper-thread.ts';

/*
 * A process whose ZooKeeper session is in a thread, to be held up. Arguments: connect string, session timeout, `hangMs`. Does what lines
 * say, and prints a line for each change of the state, each warning, and each thing that it did.
 */
const [connectString = '', timeoutMs = '', hangMs = ''] = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const thread = startZooKeeperThread({
  clock: systemClock,
  logger: { ...silentLogger, warn: (message) => say(`warning ${message}`) },
  hangMs: Number(hangMs),
});
const client = thread.connect({ connectString, sessionTimeoutMs: Number(timeoutMs) });
client.onState(say);

const perform = async (command: string, argument: string): Promise<void> => {
  switch (command) {
    case 'ephemeral':
      await client.create(argument, new Uint8Array(0), { mode: 'ephemeral' });
      return;
    case 'set':
      await client.set(argument, new Uint8Array(0));
      return;
    case 'hold-up':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(argument));
      return;
    case 'close':
      await client.close();
      // What is left does not keep the process alive.
      process.stdin.destroy();
      return;
    case 'close-and-exit':
      void client.close();
      process.exit(0);
  }
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command = '', argument = ''] = line.split(' ');
  perform(command, argument).then(
    () => say(`done ${command}`),
    (error: Error & { code?: string }) => say(`failed ${command} ${error.code}`),
  );
});
