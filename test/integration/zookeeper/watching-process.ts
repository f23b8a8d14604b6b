import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';
import { ZooKeeperError } from '../../../src/coordination/zookeeper/client/zookeeper-error.ts';
import { textOf } from './clients.ts';

/*
 * A client in a process of its own that knows nodes by watches alone, to be paused and cut off. Arguments: connect string, kind of the
 * watches, root; the nodes to watch come as a line of JSON. Prints `watching <session>`, and `view <JSON>` for each further line: what it
 * takes each node that is there to be, as `<transaction> <data>`.
 */
const [connectString = '', kind = '', root = ''] = process.argv.slice(2);
const client = connectZooKeeper({ connectString, sessionTimeoutMs: 20_000 });
const view = new Map<string, string>();
let events = 0;

/** Asks until there is an answer; undefined where there is no node. */
const insist = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ZooKeeperError && error.code === 'NO_NODE') {
        return undefined;
      }
      if (!(error instanceof ZooKeeperError) || !error.isRetryable) {
        throw error;
      }
    }
  }
};

const refresh = async (path: string): Promise<void> => {
  const read = await insist(() => client.get(path));
  if (read === undefined) {
    view.delete(path);
  } else {
    view.set(path, `${read.stat.modifiedIn} ${textOf(read.data)}`);
  }
};

/** With a watch that hears once, set again with each reading. */
const follow = async (path: string): Promise<void> => {
  const again = (): void => {
    events++;
    void follow(path);
  };
  for (;;) {
    const read = await insist(() => client.get(path, again));
    if (read !== undefined) {
      view.set(path, `${read.stat.modifiedIn} ${textOf(read.data)}`);
      return;
    }
    view.delete(path);
    // Where it came meanwhile, the watch is one of its next change, which is heard of, too.
    if ((await insist(() => client.exists(path, again))) === undefined) {
      return;
    }
  }
};

const watchAll = async (paths: readonly string[]): Promise<void> => {
  const hear = ({ path }: { readonly path: string }): void => {
    events++;
    void refresh(path);
  };
  if (kind === 'once') {
    await Promise.all(paths.map((path) => follow(path)));
    return;
  }
  await (kind === 'persistent'
    ? Promise.all(paths.map((path) => client.addWatch(path, 'persistent', hear)))
    : client.addWatch(root, 'persistent-recursive', hear));
  await Promise.all(paths.map((path) => refresh(path)));
};

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
let isFirst = true;
let input = '';
process.stdin.on('end', () => process.exit(0));
for await (const chunk of process.stdin) {
  input += String(chunk);
  for (let end = input.indexOf('\n'); end >= 0; end = input.indexOf('\n')) {
    const line = input.slice(0, end);
    input = input.slice(end + 1);
    if (isFirst) {
      isFirst = false;
      await watchAll(JSON.parse(line) as string[]);
      say(`watching ${client.session!.id}`);
    } else {
      say(`view ${JSON.stringify({ session: String(client.session!.id), events, nodes: Object.fromEntries(view) })}`);
    }
  }
}
