import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Clock } from '../../../src/foundation/common/clock.ts';
import type { LogFields, Logger } from '../../../src/foundation/common/logger.ts';
import { systemClock } from '../../../src/foundation/common/system-clock.ts';
import { seededRandom, type Random } from '../../../src/foundation/common/random.ts';
import type { ZooKeeperClient } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { bytes, Clients, endOf, textOf } from './clients.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { Ensemble, LONG_SESSIONS } from './ensemble.ts';
import { eventually } from './eventually.ts';

/*
 * Caches of a tree that another client changes, fed by watches of a client whose connection is cut at any moment, also while watches are
 * set again or compared. When it is quiet, a cache must have what there is.
 */

const CUTS = 120;
const NAMES = ['a', 'b', 'c', 'd'];
const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await Ensemble.start({ config: LONG_SESSIONS });
});
afterAll(() => ensemble?.stop());

const pathOf = (root: string, random: Random): string =>
  [root, ...Array.from({ length: 1 + random.int(3) }, () => NAMES[random.int(NAMES.length)]!)].join('/');

/** Changes the tree until it is told to stop, or the test is over; the root stays. */
const changeTree = async (
  client: ZooKeeperClient,
  root: string,
  random: Random,
  isOver: () => boolean,
): Promise<void> => {
  for (let count = 0; !isOver() && client.state !== 'closed'; count++) {
    const path = pathOf(root, random);
    const choice = random.int(5);
    await endOf(
      choice < 2
        ? client.create(path, bytes(`${count}`))
        : choice < 4
          ? client.set(path, bytes(`${count}`))
          : client.delete(path),
    );
  }
};

/** A clock that shortens the pauses between connections, and nothing else. */
const impatient: Clock = {
  ...systemClock,
  after: (delayMs, run) => systemClock.after(delayMs <= 1_000 ? delayMs / 100 : delayMs, run),
};

/** What there is below a path: data by path. */
const treeOf = async (
  client: ZooKeeperClient,
  path: string,
  found = new Map<string, string>(),
): Promise<Map<string, string>> => {
  found.set(path, textOf((await client.get(path)).data));
  for (const name of (await client.children(path)).names) {
    await treeOf(client, `${path}/${name}`, found);
  }
  return found;
};

/** Asks until there is an answer; undefined where the node, or the client, is gone. */
const insist = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ZooKeeperError) || !['NO_NODE', 'SESSION_CLOSED'].includes(error.code)) {
        if (error instanceof ZooKeeperError && error.isRetryable) {
          continue;
        }
        throw error;
      }
      return undefined;
    }
  }
};

/** Brings a path of a cache up to date. */
const refresh = async (client: ZooKeeperClient, cache: Map<string, string>, path: string): Promise<void> => {
  const read = await insist(() => client.get(path));
  if (read === undefined) {
    cache.delete(path);
  } else {
    cache.set(path, textOf(read.data));
  }
};

/** Where they differ: what each has. */
const differences = (cache: ReadonlyMap<string, string>, tree: ReadonlyMap<string, string>): readonly string[] =>
  [...new Set([...cache.keys(), ...tree.keys()])]
    .filter((path) => cache.get(path) !== tree.get(path))
    .toSorted()
    .map((path) => `${path}: ${cache.get(path) ?? 'nothing'}, there is ${tree.get(path) ?? 'nothing'}`);

/** Keeps the newest lines, for an error. */
const lastLines = (): { readonly logger: Logger; readonly lines: string[] } => {
  const lines: string[] = [];
  const keep = (message: string, fields: LogFields = {}): void => {
    lines.push(`${performance.now().toFixed()} ${message} ${JSON.stringify(fields)}`);
    lines.splice(0, lines.length - 30);
  };
  return { logger: { debug: keep, info: keep, warn: keep, error: keep }, lines };
};

/** Cuts the connection again and again, while the tree changes; then compares, once it is quiet. */
const underCuts = async (
  root: string,
  open: (client: ZooKeeperClient) => Promise<() => ReadonlyMap<string, string>>,
): Promise<void> => {
  const random = seededRandom(seed);
  await using clients = new Clients(ensemble.connectString);
  await using proxy = await CuttableProxy.start(() => ensemble.portOf(random.int(ensemble.size)));
  const { logger, lines } = lastLines();
  const writer = await clients.connected({ sessionTimeoutMs: 20_000 });
  const client = await clients.connected({
    connectString: proxy.connectString,
    sessionTimeoutMs: 20_000,
    clock: impatient,
    logger,
  });
  const { id } = client.session!;
  await writer.create(root, bytes(''));
  await client.sync(root);
  const cache = await open(client);
  let isOver = false;
  const changing = changeTree(writer, root, random, () => isOver);
  for (let cut = 0; cut < CUTS; cut++) {
    const { accepted } = proxy;
    proxy.cut();
    proxy.mend();
    await eventually('the client comes back', () => proxy.accepted > accepted, { everyMs: 1 });
    // Anywhere: before the welcome, while watches are set, compared, or long after.
    await sleep(random.int(10) === 0 ? random.int(100) : random.int(20));
  }
  isOver = true;
  await changing;
  const tree = await treeOf(writer, root);
  await eventually('the cache has what there is', () => differences(cache(), tree).length === 0, {
    explain: () => [client.state, ...differences(cache(), tree), ...lines].join('\n'),
  });
  expect(client.session!.id).toBe(id);
};

test(`a recursive watch tells all that is needed to know a tree (MILLRACE_SEED=${seed})`, async () => {
  await underCuts('/recursive', async (client) => {
    const cache = new Map<string, string>();
    const known = new Set<string>();
    const problems: string[] = [];
    await client.addWatch('/recursive', 'persistent-recursive', ({ kind, path }) => {
      if (kind === 'created') {
        // A creation is told once, and a node that is there is not created.
        problems.push(...(known.has(path) ? [`${path} created again`] : []));
        known.add(path);
      } else if (kind === 'deleted') {
        known.delete(path);
        cache.delete(path);
      } else {
        problems.push(...(known.has(path) || path === '/recursive' ? [] : [`${path} ${kind}, which is not there`]));
      }
      void refresh(client, cache, path);
    });
    void refresh(client, cache, '/recursive');
    return () => {
      expect(problems).toEqual([]);
      return cache;
    };
  });
});

test(`so do persistent watches of each node (MILLRACE_SEED=${seed})`, async () => {
  await underCuts('/persistent', async (client) => {
    const cache = new Map<string, string>();
    const paths = ['/persistent'];
    for (let depth = 0, level = paths; depth < 3; depth++) {
      level = level.flatMap((path) => NAMES.map((name) => `${path}/${name}`));
      paths.push(...level);
    }
    await Promise.all(
      paths.map((path) => client.addWatch(path, 'persistent', () => void refresh(client, cache, path))),
    );
    void refresh(client, cache, '/persistent');
    return () => cache;
  });
});

test(`so do watches that hear once (MILLRACE_SEED=${seed})`, async () => {
  await underCuts('/once', async (client) => {
    const cache = new Map<string, string>();
    /** Whose children are listened to, or being asked for. Of a node that goes and comes back at once the data alone may be seen. */
    const parents = new Set<string>();
    const follow = async (path: string): Promise<void> => {
      const read = await insist(() => client.get(path, () => void follow(path)));
      if (read === undefined) {
        cache.delete(path);
      } else {
        cache.set(path, textOf(read.data));
      }
    };
    const followChildren = async (path: string): Promise<void> => {
      parents.add(path);
      const read = await insist(() => client.children(path, () => void followChildren(path)));
      if (read === undefined) {
        parents.delete(path);
      } else {
        parents.add(path);
      }
      for (const child of (read?.names ?? []).map((name) => `${path}/${name}`)) {
        if (!cache.has(child)) {
          await follow(child);
        }
        if (!parents.has(child)) {
          await followChildren(child);
        }
      }
    };
    await followChildren('/once');
    await follow('/once');
    return () => cache;
  });
});
