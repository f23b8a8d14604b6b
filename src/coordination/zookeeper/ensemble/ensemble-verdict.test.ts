import { describe, expect, test } from 'vitest';
import { verdictOf } from './ensemble-verdict.ts';
import type { ServerMode, ServerStatus } from './server-status.ts';

type Said = ServerMode | Partial<ServerStatus>;

const servers = (...modes: readonly Said[]): ServerStatus[] =>
  modes.map((mode, index) => ({
    address: `zk${index + 1}:2181`,
    mode: 'follower',
    ...(typeof mode === 'string' ? { mode } : mode),
  }));

const brief = (...modes: readonly Said[]): unknown => {
  const { state, voters, quorum, serving, mayFail } = verdictOf(servers(...modes));
  return [state, voters, quorum, serving, mayFail];
};

describe('an ensemble whose servers all serve', () => {
  test('bears the loss of what is over the quorum', () => {
    expect(brief('standalone')).toEqual(['works', 1, 1, 1, 0]);
    expect(brief('leader', 'follower')).toEqual(['works', 2, 2, 2, 0]);
    expect(brief('follower', 'leader', 'follower')).toEqual(['works', 3, 2, 3, 1]);
    expect(brief('leader', 'follower', 'follower', 'follower')).toEqual(['works', 4, 3, 4, 1]);
    expect(brief('leader', 'follower', 'follower', 'follower', 'follower')).toEqual(['works', 5, 3, 5, 2]);
  });

  test('does not count observers, who have no vote', () => {
    expect(brief('leader', 'follower', 'follower', 'observer', 'observer')).toEqual(['works', 3, 2, 3, 1]);
  });
});

describe('an ensemble with servers that do not serve', () => {
  test('bears less', () => {
    expect(brief('leader', 'follower', 'unreachable')).toEqual(['works', 3, 2, 2, 0]);
    expect(brief('leader', 'follower', 'follower', 'unreachable', 'not-serving')).toEqual(['works', 5, 3, 3, 0]);
  });

  test('does not work without a leader, and who follows one that is frozen does not know it yet', () => {
    expect(brief('not-serving', 'unreachable', 'unreachable')).toEqual(['no-leader', 3, 2, 0, 0]);
    expect(brief('unreachable', 'follower', 'follower')).toEqual(['no-leader', 3, 2, 2, 0]);
    expect(brief('read-only', 'unreachable')).toEqual(['no-leader', 2, 2, 0, 0]);
  });

  test('is not known where none can be reached, or who may lead does not take the question', () => {
    expect(brief('unreachable', 'unreachable', 'unreachable')).toEqual(['not-known', 3, 2, 0, 0]);
    expect(brief('tls-only', 'tls-only', 'tls-only')).toEqual(['not-known', 3, 2, 0, 0]);
    expect(brief('follower', 'refuses-words', 'follower')).toEqual(['not-known', 3, 2, 2, 0]);
    expect(brief('not-understood')).toEqual(['not-known', 1, 1, 0, 0]);
  });

  test('works where a leader says so, whoever else can be asked', () => {
    const verdict = verdictOf(servers('leader', 'refuses-words', 'refuses-words'));
    expect(verdict).toMatchObject({ state: 'works', leader: 'zk1:2181', serving: 1, unasked: 2, mayFail: 0 });
  });
});

describe('servers that are no one ensemble', () => {
  test('two that stand alone', () => {
    const verdict = verdictOf(servers('standalone', 'standalone'));
    expect(verdict.state).toBe('no-leader');
    expect(verdict.leader).toBeUndefined();
    expect(verdict.problems).toEqual([expect.stringMatching(/^zk1:2181, zk2:2181: .*standalone/)]);
  });

  test('one that stands alone beside one that is gone', () => {
    const verdict = verdictOf(servers('standalone', 'unreachable'));
    expect([verdict.state, verdict.problems.length]).toEqual(['no-leader', 1]);
  });

  test('two that lead', () => {
    const verdict = verdictOf(servers('leader', 'leader', 'follower'));
    expect([verdict.state, verdict.leader]).toEqual(['no-leader', undefined]);
    expect(verdict.problems).toEqual([expect.stringContaining('zk1:2181, zk2:2181 all lead')]);
  });
});

test('servers that are not named count, and are not known', () => {
  const verdict = verdictOf(servers({ mode: 'leader', voters: 5 }, 'follower', 'follower'));
  expect(verdict).toMatchObject({ state: 'works', voters: 5, quorum: 3, serving: 3, unasked: 2, mayFail: 0 });
  expect(verdict.problems).toEqual([expect.stringContaining('5 servers with a vote, and 3 are named')]);
  const followers = verdictOf(servers({ mode: 'follower', voters: 3 }));
  expect(followers, 'who leads is not named').toMatchObject({ state: 'not-known', voters: 3, unasked: 2 });
});
