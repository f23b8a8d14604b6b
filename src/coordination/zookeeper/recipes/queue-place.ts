import type { Clock } from '../../../foundation/common/clock.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { childOf } from '../client/paths.ts';
import type { Acl, Watcher, WatchHandle, ZooKeeperClient } from '../client/zookeeper-client.ts';
import { ZooKeeperError } from '../client/zookeeper-error.ts';
import type { Departures } from './departures.ts';
import { makeNode } from './folder.ts';
import { endOf, ifThere, isCode, patiently, Pauses, settledChildren } from './patience.ts';
import { inOrder, prefixOf } from './queue-names.ts';

export interface QueuePlaceOptions {
  readonly client: ZooKeeperClient;
  /** The folder of the queue, which is made if it is not there. */
  readonly path: string;
  /** What they queue for: the nodes of a queue have the same. */
  readonly label: string;
  readonly data: Uint8Array;
  readonly acl: readonly Acl[] | undefined;
  /** False: what fails is not tried again, and nobody is waited for. */
  readonly isPatient: boolean;
  readonly departures: Departures;
  readonly clock: Clock;
  readonly random: Random;
}

export interface QueueNode {
  readonly path: string;
  /** The transaction that made it. */
  readonly createdIn: bigint;
}

/** So many hex digits make a name that nobody else uses. */
const GUID_DIGITS = 32;

/**
 * One place in a queue of ephemeral sequential nodes: who has the lowest number is first, each waits for the one before it alone. The
 * name of the node begins with a guid, so that a node whose creation was not answered is found.
 */
export class QueuePlace {
  /** Resolves with the reason when the place is gone without having been left: the session is over, or somebody deleted the node. */
  readonly lost: Promise<ZooKeeperError>;
  readonly #options: QueuePlaceOptions;
  readonly #guid: string;
  readonly #resolveLost: (reason: ZooKeeperError) => void;
  readonly #states: WatchHandle;
  #entering: Promise<QueueNode> | undefined;
  #path: string | undefined;
  #loss: ZooKeeperError | undefined;
  /** A creation was not answered: there may be more than one node. */
  #isUnclear = false;
  #leaving: Promise<void> | undefined;

  constructor(options: QueuePlaceOptions) {
    this.#options = options;
    this.#guid = options.random.hex(GUID_DIGITS);
    const { promise, resolve } = Promise.withResolvers<ZooKeeperError>();
    this.lost = promise;
    this.#resolveLost = resolve;
    this.#states = options.client.onState(() => this.#look());
    this.#look();
  }

  /** Why it is lost, if it is known to be. */
  get loss(): ZooKeeperError | undefined {
    this.#look();
    return this.#loss;
  }

  /** Resolves when it is first in the queue. Rejects with the loss, with an error of the ensemble, or with NOT_ACQUIRED. */
  async first(): Promise<QueueNode> {
    this.#entering ??= this.#enter();
    const node = await this.#entering;
    await this.#turn(node.path);
    return node;
  }

  /**
   * Resolves when nothing of it is left in the ensemble: repeats until it is so, or the session is over. Rejects where the ensemble does
   * not allow it: then it is gone with the session.
   */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    const { client, clock, path } = this.#options;
    await this.#entering?.catch(() => undefined);
    const own = this.#path;
    try {
      if (own !== undefined) {
        await patiently(clock, () => ifThere(client.delete(own)));
      }
      if (this.#isUnclear) {
        await patiently(clock, async () => this.#remove(this.#mine(await settledChildren(client, path))));
      }
    } catch (error) {
      if (endOf(client.state, this.#options.label, path) === undefined) {
        throw error;
      }
    } finally {
      this.#states.end();
    }
  }

  async #enter(): Promise<QueueNode> {
    const name = await this.#create();
    this.#path = name;
    const node = await this.#tryAgain(() => ifThere(this.#options.client.get(name, this.#ownNode)));
    if (node === undefined) {
      throw this.#loseNode(name);
    }
    return { path: name, createdIn: node.stat.createdIn };
  }

  async #create(): Promise<string> {
    const { client, path, label, data, acl, clock } = this.#options;
    const prefix = childOf(path, prefixOf(this.#guid, label));
    const pauses = new Pauses(clock);
    for (;;) {
      this.#requireWanted();
      try {
        const made = await client.create(prefix, data, {
          mode: 'ephemeral-sequential',
          ...(acl === undefined ? {} : { acl }),
        });
        return made.path;
      } catch (error) {
        const found = await this.#afterFailed(error);
        if (found !== undefined) {
          return found;
        }
      }
      await pauses.take();
    }
  }

  /** The node that was made all the same. Throws what makes it useless to try again. */
  async #afterFailed(error: unknown): Promise<string | undefined> {
    const { client, path, acl } = this.#options;
    if (isCode(error, 'NO_NODE')) {
      await this.#tryAgain(() => makeNode(client, path, new Uint8Array(0), acl));
      return undefined;
    }
    if (!(error instanceof ZooKeeperError)) {
      throw error;
    }
    this.#isUnclear ||= error.mayHaveHappened;
    if (!error.isRetryable || !this.#isWanted) {
      throw error;
    }
    if (!error.mayHaveHappened) {
      return undefined;
    }
    const [found] = this.#mine(await this.#tryAgain(() => settledChildren(client, path)));
    return found === undefined ? undefined : childOf(path, found);
  }

  async #turn(own: string): Promise<void> {
    const { client, path, label, isPatient } = this.#options;
    for (;;) {
      this.#requireWanted();
      const children = await this.#tryAgain(() => ifThere(client.children(path)));
      const queue = inOrder(children?.names ?? [], label).map((name) => childOf(path, name));
      const at = queue.indexOf(own);
      if (at < 0) {
        throw this.#loseNode(own);
      }
      if (at === 0) {
        return;
      }
      if (!isPatient) {
        throw new ZooKeeperError('NOT_ACQUIRED', label, path, `${at} are before it`);
      }
      const before = queue[at - 1]!;
      if (before.startsWith(childOf(path, prefixOf(this.#guid, label)))) {
        // Its own, which was made although nothing was to be seen of it when it was looked for.
        await this.#tryAgain(() => ifThere(client.delete(before)));
      } else {
        await this.#departureOf(before);
      }
    }
  }

  /** Resolves when that node may be gone, or this place is. */
  async #departureOf(path: string): Promise<void> {
    const { client, departures } = this.#options;
    const departure = departures.wait(path);
    try {
      const node = await this.#tryAgain(() => ifThere(client.get(path, departures.watcher)));
      if (node !== undefined) {
        await Promise.race([departure.moved, this.lost]);
      }
    } finally {
      departure.end();
    }
  }

  /** Hears of its own node, once. */
  readonly #ownNode: Watcher = ({ kind, path }) => {
    if (kind === 'deleted') {
      this.#loseNode(path);
    } else if (this.#leaving === undefined) {
      // Where it cannot be watched any more only the end of the session is heard.
      this.#tryAgain(() => this.#options.client.get(path, this.#ownNode)).catch((error: unknown) => {
        if (isCode(error, 'NO_NODE')) {
          this.#loseNode(path);
        }
      });
    }
  };

  #loseNode(path: string): ZooKeeperError {
    const reason = new ZooKeeperError(
      'NO_NODE',
      this.#options.label,
      path,
      'somebody deleted the node of this session',
    );
    this.#lose(reason);
    return this.#loss ?? reason;
  }

  #look(): void {
    const { client, label, path } = this.#options;
    const end = endOf(client.state, label, path);
    if (end !== undefined) {
      this.#lose(end);
    }
  }

  #lose(reason: ZooKeeperError): void {
    if (this.#loss === undefined && this.#leaving === undefined) {
      this.#loss = reason;
      this.#states.end();
      this.#resolveLost(reason);
    }
  }

  get #isWanted(): boolean {
    return this.#options.isPatient && this.#leaving === undefined && this.loss === undefined;
  }

  #requireWanted(): void {
    const { label, path } = this.#options;
    const { loss } = this;
    if (loss !== undefined) {
      throw loss;
    }
    if (this.#leaving !== undefined) {
      throw new ZooKeeperError('NOT_ACQUIRED', label, path, 'it was given up');
    }
  }

  #tryAgain<T>(run: () => Promise<T>): Promise<T> {
    return patiently(this.#options.clock, run, () => this.#isWanted);
  }

  /** Names of nodes that this place has made, the first first. */
  #mine(names: readonly string[]): readonly string[] {
    const prefix = prefixOf(this.#guid, this.#options.label);
    return inOrder(names, this.#options.label).filter((name) => name.startsWith(prefix));
  }

  async #remove(names: readonly string[]): Promise<void> {
    const { client, path } = this.#options;
    for (const name of names) {
      await ifThere(client.delete(childOf(path, name)));
    }
  }
}
