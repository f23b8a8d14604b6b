import assert from 'node:assert/strict';
import { BatchDecoder } from '../batch-decoder.ts';
import { BatchEncoder } from '../batch-encoder.ts';
import { sameFieldOrder } from './any-value.ts';
import { sameValue } from './same-value.ts';

export const HEADROOM = 24;

/** An encoder and the decoder at the other end. */
export class Channel {
  readonly encoder = new BatchEncoder({ headroom: HEADROOM, operatorName: 'map orders' });
  readonly decoder = new BatchDecoder();

  /** Sends a batch, checks that it arrives as it was, returns its size. */
  send(values: readonly unknown[], timestamps?: readonly number[] | Float64Array): number {
    const encoded = this.encoder.encode(values, timestamps, values.length);
    assert.equal(encoded.byteOffset, 0);
    assert.equal(encoded.byteLength, encoded.buffer.byteLength);
    const decoded = this.decoder.decode(encoded.subarray(HEADROOM));
    assert.equal(decoded.count, values.length);
    if (!sameValue(decoded.values, values)) {
      assert.deepEqual(decoded.values, values);
      assert.fail('the values differ');
    }
    assert.ok(sameFieldOrder(decoded.values, values), 'fields are in another order');
    const expected = timestamps?.every((timestamp) => timestamp === Number.NEGATIVE_INFINITY) ? undefined : timestamps;
    assert.deepEqual(decoded.timestamps, expected && values.length > 0 ? Float64Array.from(expected) : undefined);
    return encoded.length - HEADROOM;
  }
}
