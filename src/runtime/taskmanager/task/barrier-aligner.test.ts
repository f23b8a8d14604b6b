import { describe, expect, test } from 'vitest';
import type { BarrierEvent } from '../../network/stream-element.ts';
import { BarrierAligner } from './barrier-aligner.ts';
import type { AlignerAction } from './barrier-aligner.ts';

const barrier = (checkpointId: number): BarrierEvent => ({
  kind: 'barrier',
  checkpointId,
  timestampMs: 0,
  base: undefined,
  checkpoint: 'checkpoint',
  folder: 'x',
  stop: 'no',
});

const said = (actions: readonly AlignerAction[]): string =>
  actions
    .map((action) => {
      switch (action.kind) {
        case 'block':
          return `block ${action.channel}`;
        case 'start':
          return `start ${action.barrier.checkpointId}`;
        case 'cancel':
          return `cancel ${action.checkpointId}`;
        default:
          return action.kind;
      }
    })
    .join(', ');

const aligner = (channels: number, options: { exactlyOnce?: boolean; floor?: number } = {}): BarrierAligner =>
  new BarrierAligner({ channels, exactlyOnce: options.exactlyOnce ?? true, floor: options.floor ?? 0 });

describe('BarrierAligner', () => {
  test('starts when the last channel has delivered, and blocks the others until then', () => {
    const it = aligner(3);
    expect(said(it.barrier(0, barrier(1), 0))).toBe('block 0');
    expect(said(it.barrier(2, barrier(1), 0))).toBe('block 2');
    expect(said(it.barrier(1, barrier(1), 0))).toBe('block 1, start 1, unblock-all');
  });

  test('blocks nothing in at-least-once mode', () => {
    const it = aligner(2, { exactlyOnce: false });
    expect(said(it.barrier(0, barrier(1), 0))).toBe('');
    expect(said(it.barrier(1, barrier(1), 0))).toBe('start 1');
  });

  test('a single channel needs no alignment', () => {
    expect(said(aligner(1).barrier(0, barrier(1), 0))).toBe('start 1');
  });

  test('R10: barriers at or below the floor are dropped', () => {
    const it = aligner(2, { floor: 5 });
    expect(said(it.barrier(0, barrier(5), 0))).toBe('');
    expect(said(it.barrier(1, barrier(4), 0))).toBe('');
    expect(it.alignment).toBeUndefined();
    expect(said(it.barrier(0, barrier(6), 0))).toBe('block 0');
  });

  test('R10: a newer barrier ends an older alignment, which is cancelled behind and never started', () => {
    const it = aligner(2);
    it.barrier(0, barrier(1), 0);
    expect(said(it.barrier(1, barrier(2), 0))).toBe('unblock-all, cancel 1, block 1');
    expect(said(it.barrier(1, barrier(1), 0))).toBe('');
    expect(said(it.barrier(0, barrier(2), 0))).toBe('block 0, start 2, unblock-all');
  });

  test('a cancel-barrier releases the alignment, and a barrier that still arrives is dropped', () => {
    const it = aligner(2);
    it.barrier(0, barrier(3), 0);
    expect(said(it.cancelled(3))).toBe('unblock-all, cancel 3');
    expect(said(it.barrier(1, barrier(3), 0))).toBe('');
    expect(said(it.cancelled(3))).toBe('');
  });

  test('an abort that comes before its barrier holds', () => {
    const it = aligner(2);
    expect(said(it.cancelled(1))).toBe('cancel 1');
    expect(said(it.barrier(0, barrier(1), 0))).toBe('');
    expect(said(it.barrier(1, barrier(1), 0))).toBe('');
  });

  test('a late abort of an older checkpoint does not touch a newer alignment', () => {
    const it = aligner(2);
    it.barrier(0, barrier(7), 0);
    expect(said(it.cancelled(6))).toBe('');
    expect(said(it.barrier(1, barrier(7), 0))).toBe('block 1, start 7, unblock-all');
  });

  test('R11: a channel that ended is not waited for', () => {
    const it = aligner(2);
    it.barrier(0, barrier(1), 0);
    expect(said(it.channelEnded(1))).toBe('start 1, unblock-all');
    expect(said(it.barrier(0, barrier(2), 0))).toBe('block 0, start 2, unblock-all');
  });

  test('R11: a task whose producers have all finished starts by its own trigger, once its channels have ended', () => {
    const it = aligner(2);
    expect(said(it.triggered(barrier(4), 0))).toBe('');
    it.channelEnded(0);
    expect(said(it.channelEnded(1))).toBe('start 4, unblock-all');
  });
});
