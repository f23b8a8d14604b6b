import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** What a node is, as another client than ours says. */
export interface PrintedNode {
  readonly data: string;
  readonly version: number;
  readonly modifiedIn: bigint;
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
}

/** ZooKeeper's own command line: runs these commands, one a line, and returns what it prints. Rejects where it fails. */
const run = async (classPath: string, connectString: string, commands: readonly string[]): Promise<string> => {
  const args = ['-Dfile.encoding=UTF-8', '-Dzookeeper.jmx.log4j.disable=true', '-Dlog4j.rootLogger=OFF'];
  const shell = spawn(
    'java',
    [...args, '-cp', classPath, 'org.apache.zookeeper.ZooKeeperMain', '-server', connectString],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const exited = once(shell, 'exit');
  shell.stdin.end(`${[...commands, 'quit'].join('\n')}\n`);
  const [printed, problems, [code]] = await Promise.all([text(shell.stdout), text(shell.stderr), exited]);
  if (code !== 0) {
    throw new Error(`ZooKeeper's shell ended with ${code}: ${problems.slice(-2_000)}`);
  }
  return printed;
};

/** A path and all below it, as `ls -R` prints them. */
export const shellPaths = async (classPath: string, connectString: string, root: string): Promise<readonly string[]> =>
  (await run(classPath, connectString, [`ls -R ${root}`])).split('\n').filter((line) => line.startsWith(root));

/** These nodes, as `get -s` prints each: its data, then its stat. */
export const shellNodes = async (
  classPath: string,
  connectString: string,
  paths: readonly string[],
): Promise<readonly PrintedNode[]> => {
  const printed = await run(
    classPath,
    connectString,
    paths.map((path) => `get -s ${path}`),
  );
  return [...printed.matchAll(NODE)].map(({ groups }) => ({
    data: groups!['data'] ?? '',
    version: Number(groups!['version']),
    modifiedIn: BigInt(groups!['modifiedIn']!),
    ephemeralOwner: BigInt(groups!['ephemeralOwner']!),
    dataLength: Number(groups!['dataLength']),
  }));
};

/** One line of data, none or an empty one where there is none; our nodes hold JSON without line breaks. */
const NODE = new RegExp(
  [
    String.raw`(?<data>.*)\n`,
    String.raw`cZxid = .*\n`,
    String.raw`ctime = .*\n`,
    String.raw`mZxid = (?<modifiedIn>\w+)\n`,
    String.raw`mtime = .*\n`,
    String.raw`pZxid = .*\n`,
    String.raw`cversion = .*\n`,
    String.raw`dataVersion = (?<version>\d+)\n`,
    String.raw`aclVersion = .*\n`,
    String.raw`ephemeralOwner = (?<ephemeralOwner>\w+)\n`,
    String.raw`dataLength = (?<dataLength>\d+)\n`,
    String.raw`numChildren = `,
  ].join(''),
  'g',
);
