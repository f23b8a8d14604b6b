import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseConnectString, type ConnectTarget } from '../../coordination/zookeeper/client/connect-string.ts';
import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { CheckFacts, EnsembleFacts, ListedHost, TextFile } from '../../foundation/config/check/check-facts.ts';
import { valueOf } from '../../foundation/config/check/finding.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { checkpointingOptions } from '../../foundation/config/options/checkpointing-options.ts';
import { highAvailabilityOptions } from '../../foundation/config/options/high-availability-options.ts';
import { zooKeeperOptions } from '../../foundation/config/options/zookeeper-options.ts';
import type { CheckRequest } from '../../interfaces/cli/config-command.ts';
import { askZooKeeper } from './ask-zookeeper.ts';
import { placeKindOf } from './place-kind.ts';

/** Servers are asked side by side: the whole takes a few times as long. */
const ANSWER_TIMEOUT_MS = 2_000;

/** What the checks look at, of this machine and of what it reaches. Errors: FILE_NOT_FOUND, FILESYSTEM for the manifests. */
export const gatherFacts = async ({
  configuration,
  file,
  manifests,
  asksServers,
}: CheckRequest): Promise<CheckFacts> => {
  const folder = file === undefined ? undefined : dirname(file);
  return {
    configuration,
    jobManagers: hostsIn(folder, 'masters'),
    taskManagers: hostsIn(folder, 'workers'),
    ensemble: await ensembleOf(configuration, asksServers),
    places: placesOf(configuration),
    manifests: manifests.map(manifestOf),
  };
};

const placesOf = (configuration: Configuration): CheckFacts['places'] =>
  new Map(
    [highAvailabilityOptions.storageDirectory, checkpointingOptions.directory].flatMap((option) => {
      const place = valueOf(configuration, option);
      return place === undefined || place === '' ? [] : [[option.key, placeKindOf(place)] as const];
    }),
  );

const ensembleOf = async (configuration: Configuration, asksServers: boolean): Promise<EnsembleFacts> => {
  const { type } = highAvailabilityOptions;
  const { quorum: zooKeeperQuorum, sessionTimeout: zooKeeperSessionTimeout } = zooKeeperOptions;
  const quorum = valueOf(configuration, zooKeeperQuorum) ?? '';
  if (valueOf(configuration, type) !== 'zookeeper' || quorum.trim() === '') {
    return { servers: [], problem: undefined };
  }
  let target: ConnectTarget;
  try {
    target = parseConnectString(quorum);
  } catch (thrown) {
    return { servers: [], problem: messageOf(thrown) };
  }
  const servers = [...new Map(target.servers.map((server) => [`${server.host}:${server.port}`, server])).values()];
  const answers = asksServers
    ? await askZooKeeper(servers, {
        timeoutMs: ANSWER_TIMEOUT_MS,
        sessionTimeoutMs: valueOf(configuration, zooKeeperSessionTimeout),
      })
    : [];
  return { servers: servers.map((server, at) => ({ ...server, answer: answers[at] })), problem: undefined };
};

/** Lines of `host` or `host:port`; a `#` starts a comment. `undefined`: there is no such file. */
const hostsIn = (folder: string | undefined, name: string): readonly ListedHost[] | undefined => {
  if (folder === undefined) {
    return undefined;
  }
  const path = join(folder, name);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') {
      return undefined;
    }
    throw new MillraceError('FILESYSTEM', `cannot read ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
  return text.split(/\r?\n/).flatMap((line, index) => {
    const host = hostOf((line.split('#', 1)[0] ?? '').trim());
    return host === '' ? [] : [{ host, origin: `${path}:${index + 1}` }];
  });
};

/** An IPv6 address with a port is in brackets. */
const hostOf = (text: string): string =>
  /^\[(?<inside>[^\]]*)\]/.exec(text)?.groups?.['inside'] ??
  (text.split(':').length === 2 ? text.split(':')[0]! : text);

const manifestOf = (name: string): TextFile => {
  try {
    return { name, text: readFileSync(name, 'utf8') };
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') {
      throw new MillraceError('FILE_NOT_FOUND', `the manifest ${name} does not exist`, { cause: thrown });
    }
    throw new MillraceError('FILESYSTEM', `cannot read ${name}: ${messageOf(thrown)}`, { cause: thrown });
  }
};
