import { KnownNodes } from './known-nodes.ts';
import { Audience, type Ask, type LastingWatch } from './lasting-watch.ts';
import { childOf, isAtOrBelow, type Chroot } from './paths.ts';
import { childrenRequest, existsRequest } from './requests.ts';
import type { Stat, WatchEvent } from './zookeeper-client.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

/** Nodes that are read at once. */
const READS_AT_ONCE = 128;

/** A persistent watch of a node and all below it. Keeps the paths of all of them in memory. */
export class TreeWatch implements LastingWatch {
  readonly path: string;
  readonly mode = 'persistent-recursive';
  readonly audience = new Audience();
  readonly #chroot: Chroot;
  readonly #known = new KnownNodes();
  /** Told since the last transaction that is known to be seen. */
  readonly #recent = new Set<string>();
  /** Told since the comparison began. */
  readonly #toldNow = new Set<string>();
  /** The transaction that is compared with; undefined while the tree is learned. */
  #since: bigint | undefined;

  constructor(chroot: Chroot, path: string) {
    this.#chroot = chroot;
    this.path = path;
  }

  hear({ kind, path }: WatchEvent): void {
    if (kind === 'children-changed' || !isAtOrBelow(path, this.path)) {
      return;
    }
    // What is told besides the event was missed while the connection was away; the comparison is not there yet.
    if (kind !== 'changed') {
      for (const gone of this.#known.remove(path)) {
        if (kind === 'created' || gone !== path) {
          this.#tell('deleted', gone);
        }
      }
    }
    if (kind !== 'deleted') {
      if (kind === 'changed' && !this.#known.has(path)) {
        this.#tellIfComparing('created', path);
      }
      this.#known.add(path);
    }
    this.#tell(kind, path);
  }

  learn(ask: Ask): Promise<void> {
    this.#since = undefined;
    return this.#walk(ask);
  }

  compare(ask: Ask, since: bigint): Promise<void> {
    this.#since = since;
    this.#toldNow.clear();
    return this.#walk(ask);
  }

  settled(): void {
    this.#recent.clear();
  }

  /** Parents before their children. */
  #walk(ask: Ask): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = [this.path];
      let inFlight = 0;
      const next = (): void => {
        while (waiting.length > 0 && inFlight < READS_AT_ONCE) {
          inFlight++;
          this.#visit(ask, waiting.pop()!, waiting).then(() => {
            inFlight--;
            next();
          }, reject);
        }
        if (inFlight === 0) {
          this.#since = undefined;
          this.#toldNow.clear();
          resolve();
        }
      };
      next();
    });
  }

  async #visit(ask: Ask, path: string, waiting: string[]): Promise<void> {
    const request = childrenRequest(this.#chroot, path);
    try {
      await ask({
        ...request,
        name: 'addWatch',
        read: (reply) => {
          const { names, stat } = request.read(reply);
          this.#meet(path, stat);
          const there = new Set(names);
          for (const name of this.#known.childrenOf(path)) {
            if (!there.has(name)) {
              this.#miss(childOf(path, name));
            }
          }
          for (const name of names) {
            waiting.push(childOf(path, name));
          }
        },
      });
    } catch (error) {
      if (error instanceof ZooKeeperError && (error.code === 'NO_NODE' || error.code === 'NO_AUTH')) {
        await this.#visitAlone(ask, path);
      } else {
        throw error;
      }
    }
  }

  /** Without its children: it is not there, or they must not be read. */
  async #visitAlone(ask: Ask, path: string): Promise<void> {
    const request = existsRequest(this.#chroot, path);
    await ask({
      ...request,
      name: 'addWatch',
      read: (reply) => {
        const stat = request.read(reply);
        if (stat === undefined) {
          this.#miss(path);
        } else {
          this.#meet(path, stat);
        }
      },
    });
  }

  /** It is there. */
  #meet(path: string, stat: Stat): void {
    const wasKnown = this.#known.has(path);
    const since = this.#since;
    if (!wasKnown) {
      this.#known.add(path);
      this.#tellIfComparing('created', path);
    } else if (since !== undefined && !this.#toldNow.has(path)) {
      if (stat.createdIn > since && !this.#recent.has(path)) {
        this.#miss(path);
        this.#known.add(path);
        this.#tell('created', path);
      } else if (stat.modifiedIn > since) {
        this.#tell('changed', path);
      }
    }
  }

  /** It is not there any more. */
  #miss(path: string): void {
    for (const gone of this.#known.remove(path)) {
      this.#tellIfComparing('deleted', gone);
    }
  }

  #tellIfComparing(kind: WatchEvent['kind'], path: string): void {
    if (this.#since !== undefined) {
      this.#tell(kind, path);
    }
  }

  #tell(kind: WatchEvent['kind'], path: string): void {
    this.#recent.add(path);
    if (this.#since !== undefined) {
      this.#toldNow.add(path);
    }
    this.audience.tell(kind, path);
  }
}
