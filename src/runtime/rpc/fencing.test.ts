import { describe, expect, test } from 'vitest';
import type { Fence } from '../../foundation/common/fence.ts';
import { seededRandom } from '../../foundation/common/random.ts';
import { compareFence, demandOwnFence, isChallenged, NewestFence } from './fencing.ts';

const fence = (epoch: number, lineage = 'a'): Fence => ({ lineage, epoch });

describe('the side that is led', () => {
  test('follows nobody before the store has named a lineage (R12)', () => {
    const newest = new NewestFence();
    expect(() => newest.admit(fence(1))).toThrow(expect.objectContaining({ code: 'FENCED', retryable: true }));
    expect(newest.known).toBeUndefined();
    expect(newest.learn(fence(1))).toBe('epoch');
    expect(newest.admit(fence(1))).toBe(false);
  });

  test('refuses a deposed leader and follows a newer one (I2)', () => {
    const newest = new NewestFence(fence(3));
    expect(() => newest.admit(fence(2))).toThrow(expect.objectContaining({ code: 'FENCED', retryable: false }));
    expect(newest.admit(fence(5))).toBe(true);
    expect(() => newest.admit(fence(3))).toThrow(/epoch 3 .* is deposed: the leader of epoch 5/);
    expect(newest.known).toEqual(fence(5));
  });

  test('takes another lineage from the store only, even a lower epoch of it', () => {
    const newest = new NewestFence(fence(9));
    expect(() => newest.admit(fence(100, 'b'))).toThrow(expect.objectContaining({ code: 'FENCED', retryable: true }));
    expect(newest.known).toEqual(fence(9));
    expect(newest.learn(fence(1, 'b'))).toBe('lineage');
    expect(newest.known).toEqual(fence(1, 'b'));
    expect(() => newest.admit(fence(9))).toThrow(expect.objectContaining({ code: 'FENCED' }));
  });

  test('is not taken back by a late read of the store', () => {
    const newest = new NewestFence(fence(4));
    expect(newest.learn(fence(3))).toBe('nothing');
    expect(newest.learn(fence(4))).toBe('nothing');
    expect(newest.learn(fence(6))).toBe('epoch');
    expect(newest.known).toEqual(fence(6));
  });

  test('never goes back within a lineage, whatever arrives in whatever order', () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = seededRandom(seed);
      const newest = new NewestFence();
      for (let step = 0; step < 50; step++) {
        const before = newest.known;
        const next = fence(random.int(10), random.int(5) === 0 ? 'b' : 'a');
        const isPush = random.int(2) === 0;
        try {
          if (isPush) {
            newest.admit(next);
          } else {
            newest.learn(next);
          }
        } catch {
          expect(newest.known, `seed ${seed}`).toEqual(before);
        }
        if (before?.lineage === newest.known?.lineage) {
          expect(newest.known?.epoch ?? 0, `seed ${seed}`).toBeGreaterThanOrEqual(before?.epoch ?? 0);
        } else {
          expect(isPush, `seed ${seed}: a lineage came from a push`).toBe(false);
        }
      }
    }
  });
});

describe('the side that leads', () => {
  test('refuses what is meant for another leadership', () => {
    expect(() => demandOwnFence(fence(3), fence(3))).not.toThrow();
    for (const other of [fence(2), fence(4), fence(3, 'b')]) {
      expect(() => demandOwnFence(fence(3), other)).toThrow(expect.objectContaining({ code: 'FENCED' }));
    }
  });

  test('is challenged by its own epoch under another leader', () => {
    expect(isChallenged(fence(3), fence(3), true)).toBe(true);
    expect(isChallenged(fence(3), fence(2), true)).toBe(false);
    expect(isChallenged(fence(3), fence(3, 'b'), true)).toBe(false);
    // Above it the store could count no further grant.
    expect(isChallenged(fence(3), fence(Number.MAX_SAFE_INTEGER))).toBe(false);
  });

  test('is challenged by a higher epoch of its lineage only', () => {
    expect([fence(4), fence(3), fence(2), fence(4, 'b')].map((seen) => isChallenged(fence(3), seen))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(compareFence(undefined, fence(1))).toBe('foreign');
  });
});
