import { z } from 'zod';
import { codeOf, messageOf } from '../../foundation/common/errors.ts';
import type { FileSystem } from '../../foundation/filesystem/file-system.ts';
import { decodeFrame, encodeFrame } from '../framed-file.ts';
import type { Leadership } from '../leadership.ts';
import { brokenStorageFile } from './storage-error.ts';
import { MARKER_NAME } from './storage-layout.ts';

/** Whether this process reads the files that the leader writes. */
export type SharedStorageCheck = { readonly kind: 'seen' } | { readonly kind: 'not-seen'; readonly message: string };

const FRAME = { kind: 'MARK', version: 1 };
const markerSchema = z.object({ lineage: z.string(), epoch: z.int(), instanceId: z.string() });

/** A file that each leader writes into `storageDir`, and that standbys and TaskManagers must see before they are ready. */
export class LeaderMarker {
  readonly #fs: FileSystem;
  readonly #folder: string;

  constructor(fs: FileSystem, clusterFolder: string) {
    this.#fs = fs;
    this.#folder = clusterFolder;
  }

  /** Before the leader publishes its address. */
  async write({ lineage, epoch }: Leadership, instanceId: string): Promise<void> {
    const content = Buffer.from(JSON.stringify({ lineage, epoch, instanceId }));
    await this.#fs.write(this.#path, encodeFrame(FRAME, content));
  }

  /** `leader`: one that has published. The marker of a later one is as good. */
  async check(leader: Leadership): Promise<SharedStorageCheck> {
    try {
      const payload = decodeFrame(FRAME, await this.#fs.read(this.#path), (problem) =>
        brokenStorageFile(this.#path, problem),
      );
      const marker = markerSchema.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
      if (marker.lineage === leader.lineage && marker.epoch >= leader.epoch) {
        return { kind: 'seen' };
      }
      return this.#notSeen(`the marker there is of epoch ${marker.epoch}, the leader has epoch ${leader.epoch}`);
    } catch (error) {
      return this.#notSeen(codeOf(error) === 'FILE_NOT_FOUND' ? 'there is no marker' : messageOf(error));
    }
  }

  get #path(): string {
    return `${this.#folder}/${MARKER_NAME}`;
  }

  #notSeen(problem: string): SharedStorageCheck {
    return {
      kind: 'not-seen',
      message: `this process does not see the leader's files under ${this.#folder}: is it the same file system? (${problem})`,
    };
  }
}
