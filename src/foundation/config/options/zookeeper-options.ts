import { booleanType, durationType, enumType, integerType, mapType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

const prefix = 'high-availability.zookeeper';
const client = `${prefix}.client`;
const ssl = `${client}.ssl`;
const sasl = 'zookeeper.sasl';
const isUsed = false;
const isFlink = false;

/** Old names from before Flink 1.2. */
const recovery = (rest: string): string => `recovery.zookeeper.${rest}`;

/** How processes reach the ensemble where `high-availability.type` is `zookeeper`. */
export const zooKeeperOptions = {
  quorum: option(stringType, {
    key: `${prefix}.quorum`,
    deprecatedKeys: [recovery('quorum')],
    otherSpellings: ['zookeeper.quorum', 'zookeeper.address'],
    description:
      'The servers of the ensemble, as host:port, divided by commas; one name in front of all of them is enough. A path after them is ' +
      'where paths begin.',
  }),
  root: option(stringType, {
    key: `${prefix}.path.root`,
    deprecatedKeys: [recovery('path.root')],
    otherSpellings: ['zookeeper.path.root'],
    default: '/flink',
    description: 'Node above those of all clusters.',
  }),
  executionPlans: option(stringType, {
    key: `${prefix}.path.execution-plans`,
    deprecatedKeys: [recovery('path.jobgraphs'), `${prefix}.path.jobgraphs`],
    default: '/execution-plans',
    description: 'Node of the submitted jobs, below that of the cluster; the same for all processes of the cluster.',
  }),
  applications: option(stringType, {
    key: `${prefix}.path.applications`,
    default: '/applications',
    description: 'Node of the submitted applications.',
    isUsed,
  }),
  sessionTimeout: option(durationType, {
    key: `${client}.session-timeout`,
    deprecatedKeys: [recovery('client.session-timeout')],
    default: '10 s',
    description:
      'How long a session outlives its connection, within the limits of the ensemble (2 to 20 of its ticks). A leader whose host is lost ' +
      'is replaced after it; one whose process has died, at once.',
    differs: { flink: '60 s', here: '10 s', reason: 'host loss' },
  }),
  connectionTimeout: option(durationType, {
    key: `${client}.connection-timeout`,
    deprecatedKeys: [recovery('client.connection-timeout')],
    default: '15 s',
    description: 'Limit of one attempt to connect; a third of the session timeout where that is less.',
  }),
  retryWait: option(durationType, {
    key: `${client}.retry-wait`,
    deprecatedKeys: [recovery('client.retry-wait')],
    otherSpellings: ['zookeeper.retry-delay'],
    default: '20 ms',
    description:
      'First pause after all servers were tried in vain; it doubles. Never more than a quarter of the session timeout.',
    differs: { flink: '5 s', here: '20 ms', reason: 'leadership must not wait for it' },
  }),
  maxRetryWait: option(durationType, {
    key: `${client}.max-retry-wait`,
    default: '1 s',
    description: 'The longest such pause. Never more than a quarter of the session timeout.',
    differs: { flink: '60 s', here: '1 s', reason: 'leadership must not wait for it' },
  }),
  maxRetries: option(integerType({ min: 0 }), {
    key: `${client}.max-retry-attempts`,
    deprecatedKeys: [recovery('client.max-retry-attempts')],
    otherSpellings: ['zookeeper.retry-count'],
    default: '3',
    description: 'In Flink: attempts before an operation fails. Here it is tried for twice the session timeout.',
    isUsed,
  }),
  acl: option(enumType(['open', 'creator']), {
    key: `${client}.acl`,
    otherSpellings: ['zookeeper.client.acl'],
    default: 'open',
    description:
      'Who may touch the nodes: everybody, or only who made them, which needs credentials (`authorization`, SASL or a certificate) ' +
      'that are the same in all processes of the cluster.',
  }),
  authorization: option(mapType, {
    key: `${client}.authorization`,
    description: 'Credentials by scheme, such as `digest:user:password`. Never shown.',
  }),
  saslUsername: option(stringType, {
    key: `${client}.sasl.username`,
    description: 'User of SASL DIGEST-MD5. Kerberos is not supported.',
    isFlink,
  }),
  saslPassword: option(stringType, {
    key: `${client}.sasl.password`,
    description: 'Password of that user.',
    isFlink,
  }),
  sslEnabled: option(booleanType, {
    key: `${ssl}.enabled`,
    default: 'false',
    description: 'Reach the ensemble with TLS, at its secure port.',
    isFlink,
  }),
  sslTruststore: option(stringType, {
    key: `${ssl}.truststore`,
    description:
      "PEM file with the certificates of the CAs that sign the servers' certificates; not set, the well-known ones.",
    isFlink,
  }),
  sslTruststoreType: option(stringType, {
    key: `${ssl}.truststore-type`,
    default: 'PEM',
    description: 'Format of the truststore.',
    isFlink,
  }),
  sslKeystore: option(stringType, {
    key: `${ssl}.keystore`,
    description: 'PEM file with a private key and its certificate, where the ensemble asks clients for one.',
    isFlink,
  }),
  sslKeystoreType: option(stringType, {
    key: `${ssl}.keystore-type`,
    default: 'PEM',
    description: 'Format of the keystore.',
    isFlink,
  }),
  sslKeyPassword: option(stringType, {
    key: `${ssl}.key-password`,
    description: 'Password of the private key, if it has one.',
    isFlink,
  }),
  saslDisable: option(booleanType, {
    key: `${sasl}.disable`,
    default: 'false',
    description: 'Reach the ensemble without SASL although credentials for it are set.',
  }),
  saslServiceName: option(stringType, {
    key: `${sasl}.service-name`,
    default: 'zookeeper',
    description: 'In Flink: the principal of the servers in Kerberos, which is not supported.',
    isUsed,
  }),
  saslLoginContext: option(stringType, {
    key: `${sasl}.login-context-name`,
    default: 'Client',
    description:
      'In Flink: the login context of the client. Where `security.kerberos.login.contexts` names it, Kerberos is meant, and refused.',
  }),
  maxCloseWait: option(durationType, {
    key: `${client}.max-close-wait`,
    description: 'In Flink: how long threads of the client may take to end. Here closing waits for nothing.',
    isUsed,
  }),
  simulatedExpiration: option(integerType({ min: 0, max: 100 }), {
    key: `${client}.simulated-session-expiration-percent`,
    description: 'In Flink: when a client takes its session for lost. Here it asks the ensemble.',
    isUsed,
  }),
  ensembleTracker: option(booleanType, {
    key: `${client}.ensemble-tracker`,
    default: 'true',
    description: 'In Flink: follow changes of the ensemble. Here names are resolved again at each connection.',
    isUsed,
  }),
  tolerateSuspended: option(booleanType, {
    key: `${client}.tolerate-suspended-connections`,
    default: 'false',
    description: 'In Flink: a lost connection alone does not end leadership. Here it never does.',
    isUsed,
  }),
};
