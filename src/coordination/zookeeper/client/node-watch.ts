import { Audience, type Ask, type LastingWatch } from './lasting-watch.ts';
import type { Chroot } from './paths.ts';
import { existsRequest } from './requests.ts';
import type { Stat, WatchEvent } from './zookeeper-client.ts';

/** A persistent watch of one node and the names of its children. */
export class NodeWatch implements LastingWatch {
  readonly path: string;
  readonly mode = 'persistent';
  readonly audience = new Audience();
  readonly #chroot: Chroot;
  #isThere = false;
  /** Told since the last transaction that is known to be seen. */
  #isRecent = false;
  /** Told since the comparison began. */
  readonly #toldNow = new Set<WatchEvent['kind']>();

  constructor(chroot: Chroot, path: string) {
    this.#chroot = chroot;
    this.path = path;
  }

  hear({ kind, path }: WatchEvent): void {
    if (path === this.path) {
      this.#isThere = kind !== 'deleted';
      this.#tell(kind);
    }
  }

  async learn(ask: Ask, began: () => void): Promise<void> {
    await this.#read(ask, (stat) => {
      this.#isThere = stat !== undefined;
      began();
    });
  }

  async compare(ask: Ask, since: bigint): Promise<void> {
    this.#toldNow.clear();
    await this.#read(ask, (stat) => this.#compareWith(stat, since));
  }

  settled(): void {
    this.#isRecent = false;
  }

  #compareWith(stat: Stat | undefined, since: bigint): void {
    const wasThere = this.#isThere;
    this.#isThere = stat !== undefined;
    if (stat === undefined) {
      if (wasThere) {
        this.#tell('deleted');
      }
    } else if (!wasThere) {
      this.#tell('created');
    } else if (stat.createdIn > since && !this.#isRecent) {
      this.#tell('deleted');
      this.#tell('created');
    } else {
      this.#tellUnlessNow('changed', stat.modifiedIn > since);
      this.#tellUnlessNow('children-changed', stat.childrenModifiedIn > since);
    }
  }

  #tellUnlessNow(kind: WatchEvent['kind'], differs: boolean): void {
    if (differs && !this.#toldNow.has(kind)) {
      this.#tell(kind);
    }
  }

  #tell(kind: WatchEvent['kind']): void {
    this.#isRecent = true;
    this.#toldNow.add(kind);
    this.audience.tell(kind, this.path);
  }

  async #read(ask: Ask, act: (stat: Stat | undefined) => void): Promise<void> {
    const request = existsRequest(this.#chroot, this.path);
    await ask({
      ...request,
      name: 'addWatch',
      read: (reply) => act(request.read(reply)),
    });
  }
}
