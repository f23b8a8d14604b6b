import { connectZooKeeper } from '../coordination/zookeeper/client/connect-zookeeper.ts';
import { parseConnectString } from '../coordination/zookeeper/client/connect-string.ts';
import { checkPath } from '../coordination/zookeeper/client/paths.ts';
import { ZooKeeperError } from '../coordination/zookeeper/client/zookeeper-error.ts';
import { storePathsOf } from '../coordination/zookeeper/store-paths.ts';
import { ZooKeeperServices } from '../coordination/zookeeper/zookeeper-services.ts';
import type { ClusterStorage } from '../coordination/storage/cluster-storage.ts';
import { codeOf, messageOf, MillraceError } from '../foundation/common/errors.ts';
import type { Configuration } from '../foundation/config/configuration.ts';
import type { AnyOption } from '../foundation/config/option.ts';
import { highAvailabilityOptions } from '../foundation/config/options/high-availability-options.ts';
import { zooKeeperOptions } from '../foundation/config/options/zookeeper-options.ts';
import { uriOf } from '../foundation/filesystem/file-systems.ts';
import { readKeyStore, readTrustStore } from '../foundation/security/pem-stores.ts';
import type { HighAvailabilitySurroundings } from './high-availability.ts';
import type { ThreadClientOptions } from './zookeeper-thread/thread-messages.ts';
import { startZooKeeperThread } from './zookeeper-thread/zookeeper-thread.ts';

const options = zooKeeperOptions;

/** Whoever asks once hears within twice this time that nobody answers. */
const CLIENT_SESSION_MS = 4_000;
/**
 * A JobManager whose main thread is held up for so many session timeouts gives its session up, and another one leads at most one more
 * later: as with the embedded store, within three times what a lost host takes.
 */
const HANG_TIMEOUTS = 2;
/** Names login contexts of Kerberos in Flink; those of the ensemble are meant where it has the one of ZooKeeper's clients. */
const KERBEROS_CONTEXTS = 'security.kerberos.login.contexts';

/**
 * The HA services on the ensemble that the configuration names. Errors: BAD_OPTION (no quorum, one that makes no sense, credentials that
 * are needed and missing), UNSUPPORTED (Kerberos), STORE_AWAY (retryable), STORE_EMPTY (R12), STORE_BROKEN, STORE_IN_USE (of a cluster
 * with another `storageDir`).
 */
export const openZooKeeper = async (
  configuration: Configuration,
  { clock, random, logger, role }: HighAvailabilitySurroundings,
  storage: ClusterStorage,
): Promise<ZooKeeperServices> => {
  const client = await clientOptionsOf(configuration, clock.now());
  const timeoutMs = configuration.get(options.sessionTimeout);
  const sessionTimeoutMs = role === 'client' ? Math.min(timeoutMs, CLIENT_SESSION_MS) : timeoutMs;
  const root = rootOf(configuration);
  const executionPlans = executionPlansOf(configuration, root);
  const startsEmpty = configuration.get(highAvailabilityOptions.startEmpty);
  const thread =
    role === 'jobmanager'
      ? startZooKeeperThread({ clock, logger, hangMs: HANG_TIMEOUTS * sessionTimeoutMs })
      : undefined;
  return ZooKeeperServices.open({
    connect: () =>
      thread?.connect({ ...client, sessionTimeoutMs }) ??
      connectZooKeeper({ ...client, sessionTimeoutMs, clock, random, logger }),
    disconnected: async () => thread?.close(),
    root,
    executionPlans,
    storage: uriOf({ fs: storage.fs, path: storage.folder }),
    clock,
    random,
    logger,
    beforeCreation:
      role !== 'jobmanager'
        ? undefined
        : () => (startsEmpty ? Promise.resolve() : storage.requireNoJobs(`${root} in ZooKeeper`)),
  });
};

/** How the client reaches the ensemble and who it is, as the configuration says. Errors: BAD_OPTION, UNSUPPORTED. */
export const clientOptionsOf = async (configuration: Configuration, nowMs: number): Promise<ThreadClientOptions> => {
  const sasl = saslOf(configuration);
  const tls = await tlsOf(configuration, nowMs);
  const auth = Object.entries(configuration.get(options.authorization) ?? {}).map(([scheme, credentials]) => ({
    scheme,
    credentials: Buffer.from(credentials),
  }));
  const isKnown = sasl !== undefined || auth.length > 0 || tls?.cert !== undefined;
  const isForCreator = configuration.get(options.acl) === 'creator';
  if (isForCreator && !isKnown) {
    throw new MillraceError(
      'BAD_OPTION',
      `${options.acl.key} is creator (${configuration.origin(options.acl)}), and nothing says who this process is: set ` +
        `${options.saslUsername.key} and ${options.saslPassword.key}, or ${options.authorization.key}, ` +
        `or a certificate in ${options.sslKeystore.key}`,
    );
  }
  return {
    connectString: connectStringOf(configuration),
    sessionTimeoutMs: configuration.get(options.sessionTimeout),
    connectionTimeoutMs: configuration.get(options.connectionTimeout),
    retryPauseMs: { first: configuration.get(options.retryWait), longest: configuration.get(options.maxRetryWait) },
    auth,
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === undefined ? {} : { tls }),
    ...(isForCreator
      ? { acl: [{ scheme: 'auth', id: '', permissions: ['read', 'write', 'create', 'delete', 'admin'] }] }
      : {}),
  };
};

/** `high-availability.zookeeper.quorum`. Errors: BAD_OPTION where it is not set, or makes no sense. */
export const connectStringOf = (configuration: Configuration): string => {
  const quorum = configuration.get(options.quorum);
  if (quorum === undefined || quorum.trim() === '') {
    throw new MillraceError(
      'BAD_OPTION',
      `${highAvailabilityOptions.type.key} is zookeeper (${configuration.origin(highAvailabilityOptions.type)}), but ` +
        `${options.quorum.key} is not set; name the servers of the ensemble, such as zk1:2181,zk2:2181,zk3:2181`,
    );
  }
  return refusing(configuration, options.quorum, () => {
    parseConnectString(quorum);
    return quorum;
  });
};

/** `<path.root>/<cluster-id>` */
const rootOf = (configuration: Configuration): string =>
  refusing(configuration, options.root, () =>
    nodePathOf(configuration.get(options.root), configuration.get(highAvailabilityOptions.clusterId)),
  );

const executionPlansOf = (configuration: Configuration, root: string): string =>
  refusing(
    configuration,
    options.executionPlans,
    () => storePathsOf(root, nodePathOf(configuration.get(options.executionPlans))).executionPlans,
  );

/** With one slash before each name, whatever slashes there were. */
const nodePathOf = (...texts: readonly string[]): string => {
  const names = texts.flatMap((text) => text.split('/')).filter((name) => name !== '');
  const path = `/${names.join('/')}`;
  checkPath('path', path);
  return path;
};

/** What is wrong with a value, as an error of the option. */
const refusing = <T>(configuration: Configuration, option: AnyOption, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ZooKeeperError) && codeOf(error) !== 'BAD_OPTION') {
      throw error;
    }
    throw new MillraceError('BAD_OPTION', `${option.key} (${configuration.origin(option)}): ${messageOf(error)}`);
  }
};

const saslOf = (configuration: Configuration): ThreadClientOptions['sasl'] => {
  if (configuration.get(options.saslDisable)) {
    return undefined;
  }
  const context = configuration.get(options.saslLoginContext);
  const kerberos = configuration.entries().find(({ key }) => key === KERBEROS_CONTEXTS);
  if (kerberos !== undefined && contextsIn(kerberos.value).includes(context)) {
    throw new MillraceError(
      'UNSUPPORTED',
      `${KERBEROS_CONTEXTS} (${kerberos.origin}) names ${context}: ZooKeeper is to be reached with Kerberos, which Millrace does not ` +
        `support; use SASL DIGEST-MD5 (${options.saslUsername.key}) or TLS with a client certificate (${options.sslKeystore.key}), ` +
        `or set ${options.saslDisable.key} to true`,
    );
  }
  const username = configuration.get(options.saslUsername);
  const password = configuration.get(options.saslPassword);
  if ((username === undefined) !== (password === undefined)) {
    const [set, missing] =
      username === undefined
        ? [options.saslPassword, options.saslUsername]
        : [options.saslUsername, options.saslPassword];
    throw new MillraceError('BAD_OPTION', `${set.key} is set and ${missing.key} is not: SASL needs both`);
  }
  return username === undefined || password === undefined ? undefined : { mechanism: 'DIGEST-MD5', username, password };
};

const contextsIn = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value.map(String) : String(value).split(/[,;]/)).map((each) => each.trim());

const tlsOf = async (configuration: Configuration, nowMs: number): Promise<ThreadClientOptions['tls']> => {
  if (!configuration.get(options.sslEnabled)) {
    return undefined;
  }
  const isNeeded = { because: options.sslEnabled.key, help: 'name the file' };
  const ca =
    configuration.get(options.sslTruststore) === undefined
      ? undefined
      : await readTrustStore(configuration, {
          file: options.sslTruststore,
          type: options.sslTruststoreType,
          isNeeded,
        });
  const identity =
    configuration.get(options.sslKeystore) === undefined
      ? undefined
      : await readKeyStore(
          configuration,
          { file: options.sslKeystore, type: options.sslKeystoreType, password: options.sslKeyPassword, isNeeded },
          nowMs,
        );
  return { ...(ca === undefined ? {} : { ca }), ...identity };
};
