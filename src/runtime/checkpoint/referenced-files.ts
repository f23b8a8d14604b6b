import type { FileStateHandle, OperatorSubtaskState, StateHandle } from '../state/state-handle.ts';
import type { CheckpointMetadata } from './metadata.ts';

/** The handles of files that the states name, in order; a file that several name comes several times. */
export const fileHandlesOf = (states: Iterable<OperatorSubtaskState | undefined>): FileStateHandle[] => {
  const handles: StateHandle[] = [];
  for (const state of states) {
    for (const keyed of state?.keyed ?? []) {
      handles.push(...keyed.segments.map((segment) => segment.handle));
    }
    if (state?.operatorState !== undefined) {
      handles.push(state.operatorState);
    }
  }
  return handles.filter((handle) => handle.kind === 'file');
};

/** Files by path. */
export const filesOf = (metadata: CheckpointMetadata): ReadonlyMap<string, FileStateHandle> =>
  new Map(
    fileHandlesOf(metadata.operators.flatMap((operator) => operator.subtasks)).map((handle) => [handle.path, handle]),
  );
