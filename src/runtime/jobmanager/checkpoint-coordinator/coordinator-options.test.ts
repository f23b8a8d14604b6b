import { expect, test } from 'vitest';
import { checkpointId } from '../../../foundation/common/ids.ts';
import type { CompletedCheckpoint } from './completed-checkpoint.ts';
import { unpointedIds } from './coordinator-options.ts';

const pointedTo = (...ids: readonly number[]): readonly CompletedCheckpoint[] =>
  ids.map((id) => ({ checkpointId: checkpointId(id) }) as CompletedCheckpoint);

test.each([
  ['those after the newest that the store points to', pointedTo(3, 4), [], 6, { above: 4, upTo: 6 }],
  ['of which one cannot be read', pointedTo(3), [checkpointId(5)], 6, { above: 5, upTo: 6 }],
  ['none where none was begun after it', pointedTo(6), [], 6, { above: 6, upTo: 6 }],
  ['none where the store points to nothing: they may be of an earlier run', [], [], 6, { above: 6, upTo: 6 }],
] as const)('checkpoints that no pointer will ever lead to are %s', (_, completed, broken, floor, expected) => {
  expect(unpointedIds({ completed, broken, floor })).toEqual(expected);
});
