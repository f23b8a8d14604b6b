import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../foundation/common/random.ts';
import { systemClock } from '../../foundation/common/system-clock.ts';
import { highAvailabilityContract } from '../high-availability-contract.ts';
import { RecordingContender } from '../test-support/recording-contender.ts';
import { NoneServices } from './none-services.ts';

describe('the contract', () => {
  for (const { name, run } of highAvailabilityContract.filter(({ needsSeveral }) => needsSeveral !== true)) {
    test(name, () => {
      let seed = 0;
      return run({ open: async () => new NoneServices({ clock: systemClock, random: seededRandom(++seed) }) });
    });
  }
});

test('a process that goes on from something with epochs begins above them', async () => {
  const services = new NoneServices({ clock: systemClock, random: seededRandom(1), firstEpoch: 8 });
  const contender = new RecordingContender('one');
  await services.election.join(contender);
  expect(await contender.grant()).toMatchObject({ epoch: 8, lineage: services.lineage });
});
