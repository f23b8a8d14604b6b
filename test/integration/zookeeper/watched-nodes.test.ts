import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { bytes, Clients, endOf, textOf } from './clients.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { Ensemble, LONG_SESSIONS } from './ensemble.ts';
import { eventually } from './eventually.ts';
import { WatchingClient, type View } from './watching-client.ts';

/*
 * A client in a process of its own knows 1,000 nodes by its watches alone. While it is frozen (SIGSTOP), cut off, or moved because its
 * server was killed, another one sets, deletes and creates them. When it is quiet again, it has to know the last change of each.
 */

const FOLDERS = 10;
const NODES_EACH = 100;
const ROUNDS = 4;
/** While it is away, and then as it comes back. */
const CHANGES = [400, 100] as const;
/** Paths so long that those of all watches are more than a server reads at once (`jute.maxbuffer`, 1 MiB): they have to come in chunks. */
const LONG = 'x'.repeat(1_100);
const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start({ config: LONG_SESSIONS });
});
afterAll(() => ensemble?.stop());

/** Changes nodes as chance says, all at once; what a dying server leaves in doubt is asked again. */
const change = async (
  client: ZooKeeperClient,
  paths: readonly string[],
  random: Random,
  count: number,
): Promise<void> => {
  await Promise.all(
    Array.from({ length: count }, async () => {
      const path = paths[random.int(paths.length)]!;
      const data = bytes(random.hex(8));
      const choice = random.int(5);
      const ask = (): Promise<unknown> =>
        choice < 3 ? client.set(path, data) : choice === 3 ? client.delete(path) : client.create(path, data);
      while (!['ok', 'NO_NODE', 'NODE_EXISTS'].includes(await endOf(ask()))) {
        // Again: the client waits for a connection by itself.
      }
    }),
  );
};

/** What there is, as a `View` has it. */
const readAll = async (
  client: ZooKeeperClient,
  paths: readonly string[],
): Promise<Readonly<Record<string, string>>> => {
  const read = async (path: string): Promise<readonly (readonly [string, string])[]> => {
    for (;;) {
      try {
        const { data, stat } = await client.get(path);
        return [[path, `${stat.modifiedIn} ${textOf(data)}`]];
      } catch (error) {
        if (error instanceof ZooKeeperError && error.code === 'NO_NODE') {
          return [];
        }
        if (!(error instanceof ZooKeeperError) || !error.isRetryable) {
          throw error;
        }
      }
    }
  };
  await eventually('the ensemble has caught up', async () => (await endOf(client.sync('/'))) === 'ok');
  return Object.fromEntries((await Promise.all(paths.map((path) => read(path)))).flat());
};

/** Paths with what is wrong about them. */
const differences = (view: View, tree: Readonly<Record<string, string>>): readonly string[] =>
  [...new Set([...Object.keys(view.nodes), ...Object.keys(tree)])]
    .filter((path) => view.nodes[path] !== tree[path])
    .map((path) => `${path.replace(LONG, '')}: ${view.nodes[path] ?? 'absent'}, in truth ${tree[path] ?? 'absent'}`);

/** Takes the client away, lets changes happen, brings it back. */
const ABSENCES = {
  frozen: async ({ watching }: World, act: () => Promise<void>): Promise<void> => {
    watching.freeze();
    await act();
    watching.thaw();
  },
  'frozen and cut': async ({ watching, proxies }: World, act: () => Promise<void>): Promise<void> => {
    watching.freeze();
    proxies.forEach((proxy) => proxy.cut());
    await act();
    proxies.forEach((proxy) => proxy.mend());
    watching.thaw();
  },
  cut: async ({ proxies }: World, act: () => Promise<void>): Promise<void> => {
    proxies.forEach((proxy) => proxy.cut());
    await act();
    proxies.forEach((proxy) => proxy.mend());
  },
  moved: async ({ session }: World, act: () => Promise<void>): Promise<void> => {
    const server = await ensemble.connectedTo(session);
    await ensemble.kill(server);
    await act();
    ensemble.restart(server);
    await ensemble.serving();
    expect(await ensemble.connectedTo(session)).not.toBe(server);
  },
};

interface World {
  readonly watching: WatchingClient;
  readonly proxies: readonly CuttableProxy[];
  readonly session: bigint;
}

const kinds = ['once', 'persistent', 'persistent-recursive'] as const;
test.each(kinds)(
  `1,000 nodes known by watches: %s (MILLRACE_SEED=${seed})`,
  async (kind) => {
    const random = seededRandom(seed);
    const root = `/watched-${kind}`;
    const folders = Array.from({ length: FOLDERS }, (_, at) => `${root}/${LONG}${at}`);
    const paths = folders.flatMap((folder) => Array.from({ length: NODES_EACH }, (_, at) => `${folder}/n${at}`));
    await using clients = new Clients(ensemble.connectString);
    await using stack = new AsyncDisposableStack();
    const proxies: CuttableProxy[] = [];
    for (let server = 0; server < ensemble.size; server++) {
      proxies.push(stack.use(await CuttableProxy.start(() => ensemble.portOf(server))));
    }
    const writer = await clients.connected({ sessionTimeoutMs: 20_000 });
    await Promise.all([root, ...folders, ...paths].map((path) => writer.create(path, bytes('first'))));
    const connectString = proxies.map((proxy) => proxy.connectString).join();
    using watching = await WatchingClient.start(connectString, kind, root, paths);
    let before = await watching.view();
    expect(differences(before, await readAll(writer, paths))).toEqual([]);
    const world = { watching, proxies, session: BigInt(before.session) };
    const names = Object.keys(ABSENCES) as (keyof typeof ABSENCES)[];
    for (let round = 0; round < ROUNDS; round++) {
      const name = names[round < names.length ? round : random.int(names.length)]!;
      await ABSENCES[name](world, () => change(writer, paths, random, CHANGES[0]));
      await change(writer, paths, random, CHANGES[1]);
      const tree = await readAll(writer, paths);
      let view = before;
      await eventually(
        `the client knows all after it was ${name}`,
        async () => {
          view = await watching.view();
          return differences(view, tree).length === 0;
        },
        { everyMs: 100, timeoutMs: 30_000, explain: () => differences(view, tree).join('\n') },
      );
      // By its watches, each of which has heard, and in the same session.
      const changed = differences(before, tree).length;
      expect(changed).toBeGreaterThan(100);
      expect(view.events - before.events).toBeGreaterThanOrEqual(changed);
      expect(view.session).toBe(before.session);
      before = view;
      // The server that was killed catches up.
      await sleep(name === 'moved' ? 500 : 0);
    }
    console.log(JSON.stringify({ kind, seed, rounds: ROUNDS, events: before.events }));
  },
  120_000,
);
