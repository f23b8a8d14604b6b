import { expect, test } from 'vitest';
import { encodeValue } from '../../foundation/serialization/value-codec.ts';
import { decodeEvent, encodeEvent } from './event-codec.ts';
import type { StreamEvent } from './stream-element.ts';

const barrier: StreamEvent = {
  kind: 'barrier',
  checkpointId: 7,
  timestampMs: 1,
  base: undefined,
  checkpoint: 'savepoint',
  folder: '/c',
  stop: 'drain',
};
const events: readonly StreamEvent[] = [
  barrier,
  { ...barrier, base: 6 },
  { kind: 'cancel-barrier', checkpointId: 3 },
  { kind: 'watermark', watermark: -Infinity },
  { kind: 'idle', idle: true },
  { kind: 'end-of-data' },
  { kind: 'end-of-partition' },
];

test.each(events)('an event travels: $kind', (event) => {
  expect(decodeEvent(encodeEvent(event))).toEqual(event);
});

test.each([
  null,
  'barrier',
  {},
  { kind: 'end' },
  { kind: 'watermark', watermark: '1' },
  { kind: 'idle' },
  { kind: 'cancel-barrier', checkpointId: 1.5 },
  { ...barrier, folder: 3 },
  { ...barrier, stop: 'now' },
  { ...barrier, base: 'none' },
  { ...barrier, checkpoint: undefined },
])('what is none is refused: %j', (value) => {
  expect(() => decodeEvent(encodeValue(value))).toThrow(/no event that this version knows/);
});
