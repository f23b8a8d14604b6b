import { setImmediate } from 'node:timers/promises';
import { codeOf, messageOf, MillraceError } from '../../../foundation/common/errors.ts';
import type { KeyedSegment, KeyedStateHandle, StateReader } from '../state-handle.ts';
import type { KeyOwner } from './key-owner.ts';
import { decodeSegment, type Segment, type SegmentState } from './keyed-state-format.ts';
import type { StateStore } from './state-store.ts';

/** Other tasks of the thread run while one restores. */
const BYTES_PER_SLICE = 262_144;

export interface RestoreTarget {
  readonly owner: KeyOwner;
  /** Makes the store, or returns it when it is there and of that kind. */
  storeFor(state: SegmentState): StateStore;
}

/** Takes the key groups of `target` out of all segments of the handles, in order. */
export const restoreHandles = async (
  target: RestoreTarget,
  handles: readonly KeyedStateHandle[],
  reader: StateReader,
): Promise<void> => {
  for (const { segments } of handles) {
    for (const segment of segments) {
      const bytes = await reader.read(segment.handle);
      try {
        await restoreSegment(target, decodeSegment(bytes));
      } catch (thrown) {
        throw broken(thrown, segment, target.owner.operatorName);
      }
    }
  }
};

const restoreSegment = async (target: RestoreTarget, segment: Segment): Promise<void> => {
  const { head } = segment;
  const { maxParallelism, keyGroupStart, keyGroupEnd } = target.owner;
  if (head.maxParallelism !== maxParallelism) {
    throw new MillraceError(
      'CHECKPOINT_MISMATCH',
      `the state has ${head.maxParallelism} key groups, the job has ${maxParallelism}: ` +
        `set pipeline.max-parallelism to ${head.maxParallelism}`,
    );
  }
  const stores = head.states.map((state) => target.storeFor(state));
  let bytes = 0;
  for (const [index, block] of head.blocks.entries()) {
    if (block.keyGroup < keyGroupStart || block.keyGroup > keyGroupEnd) {
      continue;
    }
    const store = stores[block.state]!;
    const records = segment.blockReader(index);
    for (let left = block.removals; left > 0; left--) {
      store.restoreRemoval(records);
    }
    for (let left = block.entries; left > 0; left--) {
      store.restoreEntry(records);
    }
    if (records.remaining > 0) {
      records.corrupt(`${records.remaining} bytes after the last record of key group ${block.keyGroup}`);
    }
    bytes += block.byteLength;
    if (bytes >= BYTES_PER_SLICE) {
      bytes = 0;
      await setImmediate();
    }
  }
};

const broken = (thrown: unknown, segment: KeyedSegment, operatorName: string): unknown => {
  const where = segment.handle.kind === 'file' ? `file ${segment.handle.path}` : 'state inside of the metadata';
  const message = `operator '${operatorName}': ${where}, written by checkpoint ${segment.checkpointId}`;
  const code = codeOf(thrown);
  switch (code) {
    case 'CHECKPOINT_MISMATCH':
    case 'CHECKPOINT_NEWER_VERSION':
      return new MillraceError(code, `${message}: ${messageOf(thrown)}`, { cause: thrown });
    default:
      return new MillraceError('CHECKPOINT_BROKEN', `${message}, is broken: ${messageOf(thrown)}`, { cause: thrown });
  }
};
