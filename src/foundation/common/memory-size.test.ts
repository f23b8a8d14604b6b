import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMemorySize, parseMemorySize } from './memory-size.ts';

describe('parseMemorySize', () => {
  test.each([
    [64, 64],
    ['64', 64],
    ['10b', 10],
    ['10 bytes', 10],
    ['20 kb', 20_480],
    ['64mb', 67_108_864],
    ['64 MB', 67_108_864],
    ['1 gb', 1_073_741_824],
    ['1.5k', 1536],
    ['2t', 2_199_023_255_552],
    ['10485760b', 10_485_760],
  ])('%j is %d bytes', (text, bytes) => {
    expect(parseMemorySize(text)).toBe(bytes);
  });

  test.each(['', 'big', '-1 mb', '1 mib', '0.3b', '1 2', '9000000000 tb'])('%j is refused', (text) => {
    expect(() => parseMemorySize(text, 'segment-size')).toThrow(
      expect.objectContaining({
        code: 'BAD_OPTION',
        message: expect.stringContaining(`segment-size is "${text}"; allowed:`),
      }),
    );
  });
});

describe('formatMemorySize', () => {
  test.each([
    [0, '0 bytes'],
    [10, '10 bytes'],
    [1536, '1536 bytes'],
    [20_480, '20 kb'],
    [67_108_864, '64 mb'],
  ])('%d is %j', (bytes, text) => {
    expect(formatMemorySize(bytes)).toBe(text);
  });

  test('is read back as the same number', () => {
    fc.assert(fc.property(fc.nat(), (bytes) => parseMemorySize(formatMemorySize(bytes)) === bytes));
  });
});
