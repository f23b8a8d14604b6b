import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type {
  AsyncWatchHandle,
  CreateMode,
  MultiOperation,
  MultiOutcome,
  Stat,
  Watcher,
  ZooKeeperClient,
} from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { caughtUp } from './clients.ts';

export interface ScriptOptions {
  /** 120 unless said. */
  readonly steps?: number;
  /**
   * Has the ensemble end the session, without a word from the client. Without it sessions end by `close` only: two runs compare only
   * where both have it.
   */
  readonly expire?: (client: ZooKeeperClient) => Promise<void>;
}

/** Below it the script has its nodes; whatever was there is deleted first. */
const ROOT = '/script';
const CLIENTS = 3;
const NAMES = ['a', 'b', 'c'];
/** Nodes that were made last, whose paths are used again. */
const MADE = 8;
const MODES: readonly CreateMode[] = [
  'persistent',
  'persistent',
  'persistent',
  'ephemeral',
  'persistent-sequential',
  'ephemeral-sequential',
];

/**
 * Plays operations, watches and losses of sessions that the seed chooses, on several clients in turn, each awaited. Returns what came of
 * them: a line for each result, then one for each event that a client heard, in its order. Sessions and transactions are
 * numbered as they appear, times left out, so that any ensemble that keeps the contract gives the same lines for a seed.
 */
export const playScript = async (
  seed: number,
  connect: () => ZooKeeperClient | Promise<ZooKeeperClient>,
  { steps = 120, expire }: ScriptOptions = {},
): Promise<readonly string[]> => {
  const script = new Script(seed, connect, expire);
  await script.begin();
  try {
    for (let step = 0; step < steps; step++) {
      await script.step(step);
    }
  } finally {
    await script.end();
  }
  return script.lines;
};

interface Player {
  readonly name: string;
  client: ZooKeeperClient;
  /** What was heard since the last line: event, and the names of those who heard it. */
  heard: { readonly event: string; readonly by: string[] }[];
  handles: { readonly name: string; readonly handle: AsyncWatchHandle }[];
}

/** Names for numbers that differ from run to run, in the order in which they appear. */
class Numbered {
  readonly #names = new Map<bigint, string>();
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  name(value: bigint): string {
    const known = this.#names.get(value);
    if (known !== undefined) {
      return known;
    }
    const name = `${this.#prefix}${this.#names.size + 1}`;
    this.#names.set(value, name);
    return name;
  }
}

class Script {
  readonly lines: string[] = [];
  readonly #random: Random;
  readonly #connect: () => ZooKeeperClient | Promise<ZooKeeperClient>;
  readonly #expire: ((client: ZooKeeperClient) => Promise<void>) | undefined;
  readonly #players: Player[] = [];
  readonly #transactions = new Numbered('t');
  readonly #sessions = new Numbered('s');
  readonly #made: string[] = [];
  #watchers = 0;

  constructor(
    seed: number,
    connect: () => ZooKeeperClient | Promise<ZooKeeperClient>,
    expire: ((client: ZooKeeperClient) => Promise<void>) | undefined,
  ) {
    this.#random = seededRandom(seed);
    this.#connect = connect;
    this.#expire = expire;
  }

  async begin(): Promise<void> {
    for (let i = 0; i < CLIENTS; i++) {
      this.#players.push({ name: `c${i}`, client: await this.#connect(), heard: [], handles: [] });
    }
    const { client } = this.#players[0]!;
    await deleteTree(client, ROOT);
    await client.create(ROOT, new Uint8Array(0));
    for (const player of this.#players) {
      await this.#opened(player);
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#players.map(({ client }) => client.close()));
  }

  async step(step: number): Promise<void> {
    const player = this.#pick(this.#players);
    const [what, outcome] = await this.#act(player);
    this.lines.push(`${step} ${player.name} ${what}: ${outcome}`);
    const isEndOfSession = what === 'close' || what === 'expire';
    for (const each of this.#players) {
      // All that came of it has been heard by then.
      await caughtUp(each.client);
      // A session's nodes go in no order.
      const heard = each.heard.map(({ event, by }) => `  ${each.name} hears ${event} (${by.toSorted().join(' ')})`);
      this.lines.push(...(isEndOfSession ? heard.toSorted() : heard));
      each.heard = [];
    }
  }

  async #act(player: Player): Promise<readonly [what: string, outcome: string]> {
    const { client } = player;
    const choice = this.#random.int(100);
    const path = this.#path();
    if (choice < 24) {
      const mode = this.#pick(MODES);
      const made = this.#newPath(mode);
      const data = this.#data();
      const creating = client.create(made, data, { mode }).then((result) => {
        this.#make(result.path);
        return result;
      });
      return [`create ${mode} ${made} ${data.length}`, await this.#outcome(creating)];
    }
    if (choice < 36) {
      const version = await this.#version(client, path);
      const data = this.#data();
      return [`set ${path} ${data.length} ${version}`, await this.#outcome(client.set(path, data, version))];
    }
    if (choice < 48) {
      const version = await this.#version(client, path);
      return [`delete ${path} ${version}`, await this.#outcome(client.delete(path, version))];
    }
    if (choice < 72) {
      return this.#read(player, this.#pathToRead());
    }
    if (choice < 84) {
      const operations = Array.from({ length: 1 + this.#random.int(4) }, () => this.#part());
      const what = operations.map((each) => this.#partText(each)).join(', ');
      return [`multi [${what}]`, await this.#outcome(client.multi(operations))];
    }
    if (choice < 92) {
      return this.#watch(player, this.#pathToRead());
    }
    if (choice < 95) {
      return this.#removeWatch(player);
    }
    return this.#endSession(player);
  }

  async #read(player: Player, path: string): Promise<readonly [string, string]> {
    const { client } = player;
    const watcher = this.#random.next() < 0.6 ? this.#watcher(player) : undefined;
    const suffix = watcher === undefined ? '' : ` watched by ${watcher.name}`;
    switch (this.#random.int(4)) {
      case 0:
        return [`get ${path}${suffix}`, await this.#outcome(client.get(path, watcher?.watch))];
      case 1:
        return [`exists ${path}${suffix}`, await this.#outcome(client.exists(path, watcher?.watch))];
      case 2:
        return this.#readMany(player);
      default:
        return [`children ${path}${suffix}`, await this.#outcome(client.children(path, watcher?.watch))];
    }
  }

  async #readMany({ client }: Player): Promise<readonly [string, string]> {
    const reads = Array.from({ length: 1 + this.#random.int(4) }, () => ({
      kind: this.#random.int(2) === 0 ? ('get' as const) : ('children' as const),
      path: this.#pathToRead(),
    }));
    const results = client
      .multiRead(reads)
      .then((all) => all.map((each) => this.#text(each.kind === 'error' ? each.error.code : { ...each })).join(', '));
    return [`multiRead [${reads.map(({ kind, path }) => `${kind} ${path}`).join(', ')}]`, await this.#outcome(results)];
  }

  async #watch(player: Player, path: string): Promise<readonly [string, string]> {
    const mode = this.#random.next() < 0.5 ? 'persistent' : 'persistent-recursive';
    const { name, watch } = this.#watcher(player);
    const handle = await player.client.addWatch(path, mode, watch);
    player.handles.push({ name, handle });
    return [`addWatch ${mode} ${path} by ${name}`, 'ok'];
  }

  async #removeWatch(player: Player): Promise<readonly [string, string]> {
    const [removed] = player.handles.splice(this.#random.int(Math.max(1, player.handles.length)), 1);
    if (removed === undefined) {
      return ['removeWatch', 'none'];
    }
    return [`removeWatch ${removed.name}`, await this.#outcome(removed.handle.remove())];
  }

  async #endSession(player: Player): Promise<readonly [string, string]> {
    const expire = this.#random.next() < 0.5 ? this.#expire : undefined;
    const { client } = player;
    const old = this.#sessions.name(client.session!.id);
    await (expire === undefined ? client.close() : expire(client));
    const after = await this.#outcome(client.get(ROOT));
    // What it heard of its own end depends on which came first.
    player.heard = [];
    player.handles = [];
    player.client = await this.#connect();
    await this.#opened(player);
    return [expire === undefined ? 'close' : 'expire', `${old} ended, then ${after}; now ${this.#sessionOf(player)}`];
  }

  #sessionOf({ client }: Player): string {
    return this.#sessions.name(client.session!.id);
  }

  /** Its first answer comes with a session. */
  async #opened(player: Player): Promise<void> {
    await player.client.sync(ROOT);
    this.#sessionOf(player);
  }

  #watcher(player: Player): { readonly name: string; readonly watch: Watcher } {
    const name = `w${++this.#watchers}`;
    const { client } = player;
    return {
      name,
      watch: ({ kind, path }) => {
        if (player.client !== client) {
          return;
        }
        const event = `${kind} ${path}`;
        const last = player.heard.at(-1);
        // Who of those that wait hears of one event first is nobody's business.
        if (last?.event === event && !last.by.includes(name)) {
          last.by.push(name);
        } else {
          player.heard.push({ event, by: [name] });
        }
      },
    };
  }

  #part(): MultiOperation {
    const path = this.#path();
    const version = this.#random.next() < 0.6 ? -1 : this.#random.int(3);
    switch (this.#random.int(4)) {
      case 0: {
        const mode = this.#pick(MODES);
        return { kind: 'create', path: this.#newPath(mode), data: this.#data(), options: { mode } };
      }
      case 1:
        return { kind: 'set', path, data: this.#data(), version };
      case 2:
        return { kind: 'delete', path, version };
      default:
        return { kind: 'check', path, version };
    }
  }

  #partText(part: MultiOperation): string {
    switch (part.kind) {
      case 'create':
        return `create ${part.options?.mode} ${part.path} ${part.data.length}`;
      case 'set':
        return `set ${part.path} ${part.data.length} ${part.version}`;
      case 'delete':
      case 'check':
        return `${part.kind} ${part.path} ${part.version}`;
    }
  }

  /** -1, the one that the node has, or any. */
  async #version(client: ZooKeeperClient, path: string): Promise<number> {
    const choice = this.#random.int(3);
    const any = this.#random.int(3);
    return choice === 0 ? -1 : choice === 1 ? ((await client.exists(path))?.version ?? any) : any;
  }

  /** The root, or what is below. */
  #pathToRead(): string {
    return this.#random.int(10) === 0 ? ROOT : this.#path();
  }

  /** Mostly of a node that was made. */
  #path(): string {
    return this.#made.length > 0 && this.#random.int(4) > 0 ? this.#pick(this.#made) : this.#newPath('persistent');
  }

  /** Below the root or a node that was made. */
  #newPath(mode: CreateMode): string {
    const parents = [ROOT, ...this.#made.filter((path) => path.split('/').length < 5)];
    return `${this.#pick(parents)}/${this.#pick(NAMES)}${mode.endsWith('sequential') ? '-' : ''}`;
  }

  #make(path: string): void {
    if (!this.#made.includes(path)) {
      this.#made.push(path);
      this.#made.splice(0, this.#made.length - MADE);
    }
  }

  #data(): Uint8Array {
    return new Uint8Array(this.#random.int(5)).fill(this.#random.int(256));
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.int(items.length)]!;
  }

  async #outcome(promise: Promise<unknown>): Promise<string> {
    try {
      return this.#text(await promise);
    } catch (error) {
      if (error instanceof ZooKeeperError) {
        return error.code;
      }
      throw error;
    }
  }

  #text(value: unknown): string {
    if (value === undefined) {
      return 'nothing';
    }
    if (value instanceof Uint8Array) {
      return `[${value.join(' ')}]`;
    }
    if (isNames(value)) {
      return value.toSorted().join(' ');
    }
    if (isStat(value)) {
      return this.#statText(value);
    }
    if (isOutcome(value)) {
      return value.ok
        ? `ok ${value.results.map((result) => this.#text({ ...result })).join(', ')}`
        : `failed at ${value.index} with ${value.error.code}`;
    }
    if (typeof value === 'object' && value !== null) {
      const fields = Object.entries(value).map(([name, field]) => `${name} ${this.#text(field)}`);
      return fields.toSorted().join(' ');
    }
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  #statText(stat: Stat): string {
    const owner = stat.ephemeralOwner === 0n ? '-' : this.#sessions.name(stat.ephemeralOwner);
    const transactions = [stat.createdIn, stat.modifiedIn, stat.childrenModifiedIn].map((each) =>
      this.#transactions.name(each),
    );
    const versions = [stat.version, stat.childrenVersion, stat.aclVersion];
    return `{${versions.join(' ')} | ${stat.dataLength} bytes, ${stat.childrenCount} children, of ${owner} | ${transactions.join(' ')}}`;
  }
}

const isStat = (value: unknown): value is Stat =>
  typeof value === 'object' && value !== null && 'childrenModifiedIn' in value;

const isNames = (value: unknown): value is readonly string[] => Array.isArray(value);

const isOutcome = (value: unknown): value is MultiOutcome =>
  typeof value === 'object' && value !== null && 'ok' in value;

const deleteTree = async (client: ZooKeeperClient, path: string): Promise<void> => {
  await client.sync(path);
  if ((await client.exists(path)) === undefined) {
    return;
  }
  for (const name of (await client.children(path)).names) {
    await deleteTree(client, `${path}/${name}`);
  }
  await client.delete(path);
};
