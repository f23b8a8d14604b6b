import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { connectWireZooKeeper } from '../../coordination/zookeeper/client/connect-zookeeper.ts';
import { present } from '../../foundation/common/assert.ts';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { ClientHost } from './client-host.ts';
import { HangWatch, tickMsOf } from './hang-watch.ts';
import type { ThreadCommand, ZooKeeperThreadSettings } from './thread-messages.ts';
import { ThreadSignals } from './thread-signals.ts';

/** The thread that has the ZooKeeper sessions of its process. */
const port = present(parentPort, 'parent port');
const { signals: buffer, hangMs } = workerData as ZooKeeperThreadSettings;
const signals = new ThreadSignals(buffer);

/** Others have their turn in between. */
const COMMANDS_PER_TURN = 1_000;

const host = new ClientHost({
  connect: connectWireZooKeeper,
  post: (reports) => port.postMessage(reports),
  handedOver: (client) => signals.handedOver(client),
  // Behind all microtasks: what one frame answers goes as one message.
  later: (run) => process.nextTick(run),
});

const mainThread = new HangWatch({
  clock: systemClock,
  ticks: () => signals.mainTicks,
  hangMs,
  hung: () => {
    if (host.suspend()) {
      host.log(
        'warn',
        `The main thread of this process was held up for more than ${hangMs} ms: its ZooKeeper connections were dropped, ` +
          'and its sessions end unless it goes on within their timeout',
      );
    }
  },
  alive: () => host.resume(),
});

const tick = (): void => {
  signals.tickWorker();
  mainThread.look();
  systemClock.after(tickMsOf(hangMs), tick);
};
tick();

const handle = (command: ThreadCommand): void => {
  if (command.kind === 'connect') {
    // Without clients it did not tick.
    mainThread.look();
  }
  host.handle(command);
};

port.on('message', (command: ThreadCommand) => {
  handle(command);
  // All that waits in this turn, so that it goes to the server together: one write for each would cost more than all the rest.
  for (let left = COMMANDS_PER_TURN; left > 0; left--) {
    const next = receiveMessageOnPort(port);
    if (next === undefined) {
      return;
    }
    handle(next.message as ThreadCommand);
  }
});
