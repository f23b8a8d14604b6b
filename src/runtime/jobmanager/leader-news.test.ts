import { expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { LeaderNews } from './leader-news.ts';

const leaderOf = (name: string, epoch: number) => ({
  leadership: { lineage: 'l', epoch, sessionId: `session-${epoch}`, grantedAtMs: 0 },
  endpoints: { instanceId: name, rpcAddress: `${name}:6123`, restAddress: '' },
  isPublished: true,
  falseAlarms: 0,
});

const newsOf = (name: string) => {
  const said: string[] = [];
  return { said, news: new LeaderNews({ ...silentLogger, info: (message) => void said.push(message) }, name) };
};

test('a standby says for whose end it waits, although it joined before anybody led; once', () => {
  const { said, news } = newsOf('two');
  news.standsBy();
  news.heard(leaderOf('one', 1));
  news.heard(leaderOf('one', 1));
  news.heard(undefined);
  expect(said).toEqual([
    'Standby: waiting to be granted leadership',
    'New leader elected session-1 at one:6123 (epoch 1)',
    'Standby: waiting for the leadership of one:6123 to end',
  ]);
});

test('who finds a leader when it joins says so at once; who leads itself waits for nobody', () => {
  const late = newsOf('two');
  late.news.heard(leaderOf('one', 1));
  late.news.standsBy();
  expect(late.said.at(-1)).toBe('Standby: waiting for the leadership of one:6123 to end');
  const own = newsOf('one');
  own.news.standsBy();
  own.news.heard(leaderOf('one', 1));
  expect(own.said).toHaveLength(2);
});
