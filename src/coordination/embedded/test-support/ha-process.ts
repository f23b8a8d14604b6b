import { createInterface } from 'node:readline';
import { codeOf } from '../../../foundation/common/errors.ts';
import type { JobId } from '../../../foundation/common/ids.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { systemClock } from '../../../foundation/common/system-clock.ts';
import { systemRandom } from '../../../foundation/common/system-random.ts';
import { LocalFileSystem } from '../../../foundation/filesystem/local/local-file-system.ts';
import type { Contender } from '../../leader-election.ts';
import type { Leadership } from '../../leadership.ts';
import { EmbeddedServices } from '../embedded-services.ts';

/**
 * A process of its own for tests: stands for election, counts checkpoint ids as fast as it can while it leads, says each thing
 * that happens as a line of JSON, and takes `suspect <epoch>` and `close` as lines. `node ha-process.ts <folder> <name> <lease in ms>`
 */
const [folder = '', name = '', leaseMs = ''] = process.argv.slice(2);
const JOB = 'e'.repeat(32) as JobId;

const say = (event: Readonly<Record<string, unknown>>): void => {
  process.stdout.write(`${JSON.stringify({ name, ...event })}\n`);
};

const services = await EmbeddedServices.open({
  fs: new LocalFileSystem(),
  folder,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  leaseMs: Number(leaseMs),
  pollIntervalMs: 10,
  snapshotInterval: 64,
  beforeCreation: async () => undefined,
});

/** Goes on until the store refuses, whatever the callbacks say: the check in each write is all that keeps order. */
const count = async (leadership: Leadership): Promise<void> => {
  const ids = services.leading(leadership).checkpointIds(JOB);
  for (;;) {
    try {
      say({ kind: 'id', id: await ids.next(), epoch: leadership.epoch });
    } catch (error) {
      if (codeOf(error) === 'LEADERSHIP_LOST') {
        return say({ kind: 'fenced', epoch: leadership.epoch });
      }
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
};

const contender: Contender = {
  endpoints: { instanceId: name, rpcAddress: '', restAddress: '' },
  granted: (leadership) => {
    say({ kind: 'granted', epoch: leadership.epoch, atMs: systemClock.now() });
    void candidacy.then((joined) => joined.publish(leadership)).catch(() => undefined);
    void count(leadership);
  },
  uncertain: ({ epoch }) => say({ kind: 'uncertain', epoch }),
  certain: ({ epoch }) => say({ kind: 'certain', epoch }),
  revoked: ({ epoch }, reason) => say({ kind: 'revoked', epoch, reason }),
  leaderChanged: (seen) => {
    say({ kind: 'sees', leader: seen?.endpoints.instanceId, epoch: seen?.leadership.epoch });
  },
};
const candidacy = services.election.join(contender);

createInterface({ input: process.stdin }).on('line', async (command) => {
  const [verb, epoch] = command.split(' ');
  if (verb === 'suspect') {
    const dead: Leadership = { lineage: services.lineage, epoch: Number(epoch), sessionId: '', grantedAtMs: 0 };
    const { outcome } = await (await candidacy).suspect(dead);
    say({ kind: 'suspected', outcome });
  } else if (verb === 'close') {
    await services.close();
    process.exit(0);
  }
});
