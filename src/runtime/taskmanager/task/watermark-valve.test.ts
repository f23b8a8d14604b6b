import { describe, expect, test } from 'vitest';
import { MAX_WATERMARK } from '../../../pipeline/operators/operator.ts';
import { WatermarkValve } from './watermark-valve.ts';

describe('WatermarkValve', () => {
  test('the lowest channel counts, and it never goes back', () => {
    const valve = new WatermarkValve(2);
    expect(valve.watermark(0, 10)).toEqual({});
    expect(valve.watermark(1, 5)).toEqual({ watermark: 5 });
    expect(valve.watermark(1, 4)).toEqual({});
    expect(valve.watermark(1, 20)).toEqual({ watermark: 10 });
  });

  test('an idle channel holds nobody back, and joins again with its next watermark', () => {
    const valve = new WatermarkValve(2);
    valve.watermark(0, 10);
    expect(valve.idle(1, true)).toEqual({ watermark: 10 });
    expect(valve.watermark(0, 30)).toEqual({ watermark: 30 });
    expect(valve.watermark(1, 12)).toEqual({});
    expect(valve.watermark(0, 40)).toEqual({});
    expect(valve.watermark(1, 35)).toEqual({ watermark: 35 });
  });

  test('all idle makes the task idle, one active ends it', () => {
    const valve = new WatermarkValve(2);
    expect(valve.idle(0, true)).toEqual({});
    expect(valve.idle(1, true)).toEqual({ idle: true });
    expect(valve.watermark(0, 3)).toEqual({ idle: false, watermark: 3 });
  });

  test('an ended channel counts as being at the end of time', () => {
    const valve = new WatermarkValve(2);
    valve.watermark(0, 10);
    expect(valve.channelEnded(1)).toEqual({ watermark: 10 });
    expect(valve.channelEnded(0)).toEqual({ watermark: MAX_WATERMARK });
  });
});
