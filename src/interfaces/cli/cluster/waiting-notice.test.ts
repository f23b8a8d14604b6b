import { expect, test } from 'vitest';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { WaitingNotice } from './waiting-notice.ts';

const waiting = () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const say = (line: string): void => void said.push(line);
  return { clock, said, notice: new WaitingNotice({ clock, where: 'cluster prod', forMs: 30_000, say }) };
};

test('what is over soon is not worth a word', () => {
  const { clock, said, notice } = waiting();
  notice.failed('no JobManager leads');
  clock.advanceBy(2_999);
  notice.end();
  clock.advanceBy(10_000);
  expect(said).toEqual([]);
});

test('who waits for longer hears it, with the reason, and again when that changes', () => {
  const { clock, said, notice } = waiting();
  clock.advanceBy(3_000);
  notice.failed('ZooKeeper does not answer');
  notice.failed('ZooKeeper does not answer');
  notice.failed('no JobManager leads');
  notice.end();
  const line = 'Waiting for the leader of cluster prod, up to 30 s (rest.await-leader-timeout): ';
  expect(said).toEqual(['no answer yet', 'ZooKeeper does not answer', 'no JobManager leads'].map((why) => line + why));
});
