import type { ReadOperation, ReadResult, Stat, ZooKeeperClient } from './client/zookeeper-client.ts';

/** In one request. What a store keeps in a node is below 1 KiB, so that the answer is far below the limit of a frame. */
const READS_MAX = 256;

interface Waiting {
  readonly read: ReadOperation;
  readonly settle: (result: ReadResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads that are asked for in one turn travel in one request, in their order. A node that is not there is `undefined`. */
export class GroupedReads {
  readonly client: ZooKeeperClient;
  #waiting: Waiting[] = [];

  constructor(client: ZooKeeperClient) {
    this.client = client;
  }

  async get(path: string): Promise<{ readonly data: Uint8Array; readonly stat: Stat } | undefined> {
    const result = await this.#ask({ kind: 'get', path });
    return result.kind === 'get' ? result : undefined;
  }

  /** Names without path, in no order. */
  async children(path: string): Promise<readonly string[] | undefined> {
    const result = await this.#ask({ kind: 'children', path });
    return result.kind === 'children' ? result.names : undefined;
  }

  #ask(read: ReadOperation): Promise<ReadResult> {
    return new Promise((resolve, reject) => {
      const settle = (result: ReadResult): void => {
        if (result.kind === 'error' && result.error.code !== 'NO_NODE') {
          reject(result.error);
        } else {
          resolve(result);
        }
      };
      this.#waiting.push({ read, settle, reject });
      if (this.#waiting.length === 1) {
        queueMicrotask(() => this.#send());
      }
    });
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += READS_MAX) {
      const some = waiting.slice(at, at + READS_MAX);
      this.client.multiRead(some.map(({ read }) => read)).then(
        (results) => results.forEach((result, index) => some[index]?.settle(result)),
        (error: unknown) => some.forEach(({ reject }) => reject(error)),
      );
    }
  }
}
