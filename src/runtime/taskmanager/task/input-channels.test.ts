import { expect, test } from 'vitest';
import { attemptId } from '../../../foundation/common/ids.ts';
import type { AttemptRef, JobId, VertexId } from '../../../foundation/common/ids.ts';
import { inputChannels } from './input-channels.ts';
import type { ProducerPlace } from '../../network/exchange.ts';

const ref = (subtask: number): AttemptRef => ({
  job: 'j' as JobId,
  graphVersion: 1,
  vertex: 'v' as VertexId,
  subtask,
  generation: { epoch: 1, number: 1 },
});

/** The credit of each channel, of producers here and elsewhere. */
const credits = (places: readonly ProducerPlace['kind'][]): number[] => {
  const channels = places.map((_, subtask) => ({ channel: subtask, producer: ref(subtask), consumer: ref(99) }));
  const producers = Object.fromEntries(
    places.map((kind, subtask): [string, ProducerPlace] => [
      attemptId(ref(subtask)),
      kind === 'thread' ? { kind, thread: 0 } : { kind, location: { instanceId: 'i', thread: 0, host: 'h', port: 1 } },
    ]),
  );
  const made = inputChannels({ inputs: [{ edge: 3, channels }], producers }, { channelCredit: 2, floatingCredit: 8 });
  expect(made.map(({ edge }) => edge)).toEqual(places.map(() => 3));
  return made.map(({ credit }) => credit);
};

test('channels from other processes share what is on top', () => {
  expect(credits(['thread', 'thread'])).toEqual([2, 2]);
  expect(credits(['thread', 'remote'])).toEqual([2, 10]);
  expect(credits(['remote', 'thread', 'remote', 'remote'])).toEqual([4, 2, 4, 4]);
  expect(credits(new Array<'remote'>(20).fill('remote'))).toEqual(new Array<number>(20).fill(2));
});
