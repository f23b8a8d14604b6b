import { resolve } from 'node:path/posix';
import { seededRandom } from '../../../foundation/common/random.ts';
import type { Location } from '../../../foundation/filesystem/file-systems.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import type { OperatorSubtaskState, StateHandle } from '../../state/state-handle.ts';
import { jobCheckpointFolder } from '../checkpoint-layout.ts';
import { createCheckpointTarget } from '../checkpoint-target.ts';
import type { DiscardableTarget } from '../checkpoint-target.ts';
import type { CheckpointMetadata } from '../metadata.ts';
import { writeMetadata } from '../write-metadata.ts';

export const jobId = '0123456789abcdef0123456789abcdef';
export const jobFolder = jobCheckpointFolder('/checkpoints/', jobId);

export const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** The checkpoints of one job of one operator, in memory. */
export class StoredJob {
  readonly random = seededRandom(1);
  readonly fs = new MemoryFileSystem({ random: this.random });
  readonly locate = (uri: string): Location => ({ fs: this.fs, path: resolve(uri.replace(/^memory:\/\//, '')) });

  target(checkpointId: number, kind: 'checkpoint' | 'savepoint' = 'checkpoint', folder = jobFolder): DiscardableTarget {
    const { fs, random } = this;
    return createCheckpointTarget(fs, { folder, checkpointId, kind, inlineThresholdBytes: 10, tag: 'count 0', random });
  }

  /** A checkpoint with one shared and one exclusive file, and the shared ones of others. */
  async complete(checkpointId: number, others: readonly StateHandle[] = []): Promise<CheckpointMetadata> {
    const target = this.target(checkpointId);
    const sharedHandle = await target.writeState('shared', [text(`shared state of ${checkpointId}`)]);
    const operatorState = await target.writeState('exclusive', [text(`exclusive state of ${checkpointId}`)]);
    const metadata = metadataOf(checkpointId, [{ ...keyed(...others, sharedHandle), operatorState }]);
    await writeMetadata(this.fs, jobFolder, metadata);
    return metadata;
  }

  /** Paths of all files below a folder, sorted. */
  async files(folder: string): Promise<string[]> {
    const found: string[] = [];
    for (const { name, isFolder } of await this.fs.list(folder)) {
      const below = isFolder ? await this.files(`${folder}/${name}`) : [];
      found.push(...(isFolder ? below.map((path) => `${name}/${path}`) : [name]));
    }
    return found.toSorted();
  }
}

export const metadataOf = (
  checkpointId: number,
  states: readonly OperatorSubtaskState[],
  kind: 'checkpoint' | 'savepoint' = 'checkpoint',
): CheckpointMetadata => ({
  jobId,
  jobName: 'test',
  checkpointId,
  kind,
  triggeredMs: 1,
  completedMs: 2,
  generation: { epoch: 0, number: 1 },
  graphFingerprint: 'f',
  operators: [
    {
      operatorId: 'op',
      name: 'count',
      kind: 'count',
      parallelism: states.length,
      maxParallelism: 128,
      subtasks: states,
      finishedSubtasks: [],
    },
  ],
});

export const keyed = (...handles: readonly StateHandle[]): OperatorSubtaskState => ({
  keyed: [
    {
      keyGroupStart: 0,
      keyGroupEnd: 127,
      backendId: 'b',
      segments: handles.map((handle, index) => ({ handle, full: index === 0, checkpointId: 1 })),
    },
  ],
});
