import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { ProofOfDeath } from './proof-of-death.ts';

const TIMEOUT_MS = 6_000;
const AWAY = { instanceId: 'one', rpcAddress: 'host:1' };

const make = (probe: () => Promise<string>) => {
  const clock = new ManualClock();
  const lost: string[] = [];
  const proof = new ProofOfDeath({
    clock,
    logger: silentLogger,
    timeoutMs: TIMEOUT_MS,
    probe,
    isKnown: () => false,
    gone: (instanceId, reason) => lost.push(`${instanceId}: ${reason}`),
  });
  let isAway = true;
  return {
    clock,
    lost,
    proof,
    watch: () =>
      proof.watch(
        AWAY,
        () => isAway,
        (reason) => lost.push(reason),
      ),
    back: () => {
      isAway = false;
    },
  };
};

const refused = () => Promise.reject(new MillraceError('UNREACHABLE', 'nobody is there'));

describe('a TaskManager without a connection', () => {
  test('is lost at once when nobody, or another process, answers at its address', async () => {
    for (const probe of [refused, () => Promise.resolve('another')]) {
      const { clock, lost, watch } = make(probe);
      await watch();
      expect(lost).toEqual(['its process has ended (nobody answers for it at host:1)']);
      expect(clock.timerCount).toBe(0);
    }
  });

  test('is lost after the timeout when its process answers and it does not come back', async () => {
    const { clock, lost, watch } = make(() => Promise.resolve('one'));
    await watch();
    clock.advanceBy(TIMEOUT_MS - 1);
    expect(lost).toEqual([]);
    clock.advanceBy(1);
    expect(lost).toEqual(['its connection is closed and it has not come back for 6000 ms']);
  });

  test('that is back is not lost', async () => {
    const { clock, lost, watch, back } = make(() => Promise.resolve('one'));
    await watch();
    back();
    clock.advanceBy(TIMEOUT_MS);
    expect(lost).toEqual([]);
  });

  test('concerns nobody once the leadership has ended, and keeps no process alive', async () => {
    let answer = (_instanceId: string): void => {};
    const { clock, lost, watch, proof } = make(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    const watched = watch();
    proof.stop();
    expect(clock.timerCount).toBe(0);
    answer('another');
    await watched;
    expect(lost).toEqual([]);
  });
});

describe('a TaskManager that may run something of a job', () => {
  const hint = { ...AWAY, resourceId: 'tm' };

  test('is gone when nobody answers, and asked for once the address of the leader is published', async () => {
    const { proof, lost } = make(refused);
    proof.await([hint]);
    await new Promise(setImmediate);
    expect(lost).toEqual([]);
    proof.begin();
    await new Promise(setImmediate);
    expect(lost).toEqual(['one: nobody answers for it at host:1']);
  });

  test('is waited for when it answers', async () => {
    const { proof, lost } = make(() => Promise.resolve('one'));
    proof.begin();
    proof.await([hint]);
    await new Promise(setImmediate);
    expect(lost).toEqual([]);
  });
});
