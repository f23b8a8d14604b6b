import type { Ask, LastingWatch } from './lasting-watch.ts';
import { NodeWatch } from './node-watch.ts';
import { OneTimeWatches, type OneTimeKind } from './one-time-watches.ts';
import { parentOf, type Chroot } from './paths.ts';
import type { Request } from './request.ts';
import { addWatchRequest, removeWatchesRequest, type LastingMode } from './requests.ts';
import { setWatchesRequests } from './set-watches.ts';
import { tell } from './watch-event.ts';
import { TreeWatch } from './tree-watch.ts';
import { ZooKeeperError } from './zookeeper-error.ts';
import type { AsyncWatchHandle, Watcher, WatchEvent } from './zookeeper-client.ts';

export interface Asking {
  /** For requests that make one operation, with one deadline from now on. */
  begin(): Ask;
  /** What is asked now is sent now. */
  isConnected(): boolean;
}

interface Lasting {
  readonly watch: LastingWatch;
  /** It is set and knows what there is. */
  readonly ready: Promise<void>;
}

/**
 * All watches of a session: which a server has, who hears of an event, what has to be set again.
 *
 * A server keeps for each path one kind of watch in each of its two tables (3.8; newer ones keep all): a read that watches would turn a
 * lasting watch of the same path into one that hears once, and a recursive one takes the place of one that hears of children. So reads
 * at such a path do not ask the server to watch, a recursive watch carries a persistent one of the same path, and news of children
 * there are made from those of the nodes below.
 */
export class SessionWatches {
  readonly #chroot: Chroot;
  readonly #oneTime = new OneTimeWatches();
  /** Recursive watches that nobody wants and the server of this connection has: those who wait for one event there hear by them. */
  readonly #leftThere = new Set<string>();
  readonly #lasting: Readonly<Record<LastingMode, Map<string, Lasting>>> = {
    persistent: new Map(),
    'persistent-recursive': new Map(),
  };
  /** Set on the server, and to be set again. */
  readonly #armed = new Set<LastingWatch>();
  /** Those that told something since `settled`. */
  readonly #unsettled = new Set<LastingWatch>();
  /** Paths with requests on the way that set a lasting watch, or that leave the watching to one. */
  readonly #covered = new PathCounts();
  /** Paths with reads on the way that watch. */
  readonly #read = new PathCounts();

  constructor(chroot: Chroot) {
    this.#chroot = chroot;
  }

  dispatch(event: WatchEvent): void {
    this.#tellOneTime(event);
    this.#tellLasting('persistent', event.path, event);
    for (let path: string | undefined = event.path; path !== undefined; path = parentOf(path)) {
      this.#tellLasting('persistent-recursive', path, event);
    }
    const parent = event.kind === 'created' || event.kind === 'deleted' ? parentOf(event.path) : undefined;
    const isArmed = parent !== undefined && this.#armedAt('persistent-recursive', parent) !== undefined;
    if (parent !== undefined && (isArmed || this.#leftThere.has(parent))) {
      const ofParent: WatchEvent = { kind: 'children-changed', path: parent };
      this.#tellOneTime(ofParent);
      this.#tellLasting('persistent', parent, ofParent);
    }
  }

  /** A read that watches if it succeeds; `kindOf`: what for. */
  watching<T>(request: Request<T>, path: string, watcher: Watcher, kindOf: (value: T) => OneTimeKind): Request<T> {
    const { body } = request;
    let isLeft = false;
    return {
      ...request,
      beforeSend: () => {
        isLeft = this.#isCovered(path);
        body[body.length - 1] = isLeft ? 0 : 1;
        this.#covered.add(path, isLeft ? 1 : 0);
        this.#read.add(path, 1);
      },
      onAnswer: () => {
        this.#covered.add(path, isLeft ? -1 : 0);
        this.#read.add(path, -1);
      },
      read: (reply) => {
        const value = request.read(reply);
        this.#oneTime.add(kindOf(value), path, watcher);
        return value;
      },
    };
  }

  async add(path: string, mode: LastingMode, watcher: Watcher, asking: Asking): Promise<AsyncWatchHandle> {
    const request = addWatchRequest(this.#chroot, path, mode);
    const lasting = this.#lasting[mode].get(path) ?? this.#create(path, mode, request, asking);
    const { watch } = lasting;
    const leave = watch.audience.add(watcher);
    const end = (): void => {
      leave();
      this.#forgetIdle(path);
    };
    try {
      await lasting.ready;
    } catch (error) {
      end();
      throw error;
    }
    return { end, remove: () => this.#remove(watch, end, asking) };
  }

  /** What has to be asked on a new connection, first of all. */
  setAgain(since: bigint): Request<void>[] {
    const armed = [...this.#armed];
    const isCarried = (path: string): boolean => this.#armedAt('persistent-recursive', path) !== undefined;
    return setWatchesRequests(this.#chroot, since, {
      data: this.#oneTime.paths('data'),
      absence: this.#oneTime.paths('absence'),
      children: this.#oneTime.paths('children'),
      persistent: armed.filter(({ mode, path }) => mode === 'persistent' && !isCarried(path)).map(pathOf),
      recursive: armed.filter(({ mode }) => mode === 'persistent-recursive').map(pathOf),
    });
  }

  /** Undefined: there is nothing to compare. */
  compare(ask: Ask, since: bigint): Promise<void> | undefined {
    if (this.#armed.size === 0) {
      return undefined;
    }
    const armed = [...this.#armed];
    for (const watch of armed) {
      this.#unsettled.add(watch);
    }
    return Promise.all(armed.map((watch) => watch.compare(ask, since))).then(() => {});
  }

  /** What was told is from before the newest transaction that the client knows to have seen. */
  settled(): void {
    if (this.#unsettled.size > 0) {
      for (const watch of this.#unsettled) {
        watch.settled();
      }
      this.#unsettled.clear();
    }
  }

  connectionLost(): void {
    this.#leftThere.clear();
    this.#covered.clear();
    this.#read.clear();
  }

  clear(): void {
    this.#oneTime.clear();
    this.#leftThere.clear();
    this.#armed.clear();
    this.#unsettled.clear();
    this.#lasting.persistent.clear();
    this.#lasting['persistent-recursive'].clear();
  }

  #tellLasting(mode: LastingMode, path: string, event: WatchEvent): void {
    const watch = this.#armedAt(mode, path);
    if (watch !== undefined) {
      this.#unsettled.add(watch);
      watch.hear(event);
    }
  }

  #tellOneTime(event: WatchEvent): void {
    for (const watcher of this.#oneTime.take(event)) {
      tell(watcher, event);
    }
  }

  #create(path: string, mode: LastingMode, request: Request<void>, asking: Asking): Lasting {
    const ask = asking.begin();
    const watch = mode === 'persistent' ? new NodeWatch(this.#chroot, path) : new TreeWatch(this.#chroot, path);
    const tree = mode === 'persistent' ? this.#lasting['persistent-recursive'].get(path) : undefined;
    const arm = async (): Promise<void> => {
      const isCarried = await tree?.ready.then(
        () => true,
        () => false,
      );
      if (isCarried !== true) {
        await ask({
          ...request,
          beforeSend: () => this.#covered.add(path, 1),
          onAnswer: () => this.#covered.add(path, -1),
          read: (reply) => {
            request.read(reply);
            this.#arm(watch);
          },
        });
      }
      // Where another one carries it, it begins to hear when it knows what there is.
      await watch.learn(ask, () => this.#arm(watch));
    };
    const lasting: Lasting = { watch, ready: arm() };
    this.#lasting[mode].set(path, lasting);
    // Also where nobody waits any more.
    lasting.ready.catch(() => this.#undo(watch, asking));
    return lasting;
  }

  #arm(watch: LastingWatch): void {
    if (this.#lasting[watch.mode].get(watch.path)?.watch === watch) {
      this.#armed.add(watch);
    }
  }

  /** It was set perhaps, but does not know what there is. */
  #undo(watch: LastingWatch, asking: Asking): void {
    const { path, mode } = watch;
    const hasReplaced = mode === 'persistent-recursive' && this.#armed.has(watch) && this.#lasting.persistent.has(path);
    this.#forget(watch);
    if (hasReplaced) {
      // On this connection; a new one will only have the other.
      asking
        .begin()(addWatchRequest(this.#chroot, path, 'persistent'))
        .catch(() => {});
    }
  }

  #forget(watch: LastingWatch): void {
    if (this.#armed.delete(watch) && watch.mode === 'persistent-recursive') {
      this.#leftThere.add(watch.path);
    }
    if (this.#lasting[watch.mode].get(watch.path)?.watch === watch) {
      this.#lasting[watch.mode].delete(watch.path);
    }
  }

  /** Nobody hears of it any more. A recursive one stays as long as it carries another. */
  #forgetIdle(path: string): void {
    for (const mode of ['persistent', 'persistent-recursive'] as const) {
      const watch = this.#lasting[mode].get(path)?.watch;
      if (watch?.audience.isEmpty === true && (mode === 'persistent' || !this.#lasting.persistent.has(path))) {
        this.#forget(watch);
      }
    }
  }

  async #remove(watch: LastingWatch, end: () => void, asking: Asking): Promise<void> {
    const wasArmed = this.#armed.has(watch);
    end();
    const { path } = watch;
    const isNeeded =
      this.#lasting.persistent.has(path) ||
      this.#lasting['persistent-recursive'].has(path) ||
      this.#oneTime.isWaitingAt(path) ||
      this.#read.has(path);
    // What is needed stays on this connection, for those that wait for one event; the next one will only have these.
    if (wasArmed && !isNeeded && asking.isConnected()) {
      this.#leftThere.delete(path);
      await ifStillThere(asking.begin()(removeWatchesRequest(this.#chroot, path)));
    }
  }

  #armedAt(mode: LastingMode, path: string): LastingWatch | undefined {
    const watch = this.#lasting[mode].get(path)?.watch;
    return watch !== undefined && this.#armed.has(watch) ? watch : undefined;
  }

  /** A lasting watch hears, or will have been set before what is sent now. */
  #isCovered(path: string): boolean {
    return (
      this.#armedAt('persistent', path) !== undefined ||
      this.#armedAt('persistent-recursive', path) !== undefined ||
      this.#covered.has(path)
    );
  }
}

/** How many of something there are at each path. */
class PathCounts {
  readonly #counts = new Map<string, number>();

  has(path: string): boolean {
    return this.#counts.has(path);
  }

  add(path: string, change: number): void {
    const count = (this.#counts.get(path) ?? 0) + change;
    if (count > 0) {
      this.#counts.set(path, count);
    } else {
      this.#counts.delete(path);
    }
  }

  clear(): void {
    this.#counts.clear();
  }
}

/** A watch that went with its connection, or was never on this one, is removed. */
const ifStillThere = async (asked: Promise<void>): Promise<void> => {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof ZooKeeperError && (error.code === 'CONNECTION_LOSS' || error.code === 'NO_WATCHER'))) {
      throw error;
    }
  }
};

const pathOf = ({ path }: LastingWatch): string => path;
