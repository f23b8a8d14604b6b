import type { Random } from '../../../foundation/common/random.ts';
import { childOf } from '../client/paths.ts';
import type { Acl, MultiOperation, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ifThere, isCode } from './patience.ts';

const GUID_DIGITS = 32;

/** The node of one writer below a counter: proves what came of its newest increment. All changes of it are increments of this writer. */
export class CounterMarker {
  readonly #client: ZooKeeperClient;
  readonly #path: string;
  readonly #acl: readonly Acl[] | undefined;
  #isMade = false;
  /** Of the node, as far as increments were answered. */
  #version = 0;

  constructor(client: ZooKeeperClient, counter: string, acl: readonly Acl[] | undefined, random: Random) {
    this.#client = client;
    this.#path = childOf(counter, `${random.hex(GUID_DIGITS)}-increments`);
    this.#acl = acl;
  }

  /** False: there is no counter to make it below. */
  async make(): Promise<boolean> {
    if (this.#isMade) {
      return true;
    }
    const acl = this.#acl === undefined ? {} : { acl: this.#acl };
    try {
      await this.#client.create(this.#path, new Uint8Array(0), { mode: 'ephemeral', ...acl });
    } catch (error) {
      if (isCode(error, 'NO_NODE')) {
        return false;
      }
      // Nobody else makes one of this name: an earlier try did that was not answered.
      if (!isCode(error, 'NODE_EXISTS')) {
        throw error;
      }
    }
    this.#isMade = true;
    return true;
  }

  /** The part of an increment that at most one of its tries can carry out. */
  change(sum: bigint): MultiOperation {
    return { kind: 'set', path: this.#path, data: Buffer.from(String(sum)), version: this.#version };
  }

  /** The increment took effect. */
  changed(): void {
    this.#version++;
  }

  /** The sum that the increment came to that took effect last, if it is the one that is under way. */
  async proof(): Promise<bigint | undefined> {
    const node = await ifThere(this.#client.get(this.#path));
    return node?.stat.version === this.#version + 1 ? BigInt(Buffer.from(node.data).toString()) : undefined;
  }

  async remove(): Promise<void> {
    await ifThere(this.#client.delete(this.#path));
  }
}
