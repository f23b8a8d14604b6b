import { MillraceError } from '../../foundation/common/errors.ts';
import { decodeValue, encodeValue } from '../../foundation/serialization/value-codec.ts';
import type { StreamEvent } from './stream-element.ts';

export const encodeEvent = (event: StreamEvent): Uint8Array<ArrayBuffer> => encodeValue(event);

/** Throws CORRUPT_DATA for anything that no event is. */
export const decodeEvent = (payload: Uint8Array): StreamEvent => {
  const event = decodeValue(payload);
  if (typeof event !== 'object' || event === null || !isEvent(event as Fields)) {
    throw new MillraceError('CORRUPT_DATA', 'a frame on the data plane carries no event that this version knows');
  }
  return event as StreamEvent;
};

type Fields = Readonly<Record<string, unknown>>;

const isEvent = (event: Fields): boolean => {
  switch (event['kind']) {
    case 'barrier':
      return isBarrier(event);
    case 'cancel-barrier':
      return isId(event['checkpointId']);
    case 'watermark':
      return typeof event['watermark'] === 'number';
    case 'idle':
      return typeof event['idle'] === 'boolean';
    case 'end-of-data':
    case 'end-of-partition':
      return true;
    default:
      return false;
  }
};

const isBarrier = (event: Fields): boolean =>
  isId(event['checkpointId']) &&
  typeof event['timestampMs'] === 'number' &&
  (event['base'] === undefined || isId(event['base'])) &&
  (event['checkpoint'] === 'checkpoint' || event['checkpoint'] === 'savepoint') &&
  typeof event['folder'] === 'string' &&
  (event['stop'] === 'no' || event['stop'] === 'suspend' || event['stop'] === 'drain');

const isId = (value: unknown): boolean => Number.isSafeInteger(value);
