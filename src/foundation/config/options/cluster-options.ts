import { booleanType, durationType, integerType, portsType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

/** The REST endpoint, and what a new leader waits for. */
export const clusterOptions = {
  reconcileTimeout: option(durationType, {
    key: 'jobmanager.reconcile.timeout',
    default: '10 s',
    description: 'How long a new leader waits for the TaskManagers to report what runs.',
    differs: { flink: '-', here: '10 s', reason: '' },
    isFlink: false,
  }),
  restAddress: option(stringType, {
    key: 'rest.address',
    fallbackKeys: ['jobmanager.rpc.address'],
    description: 'Host that clients use.',
  }),
  restPort: option(integerType({ min: 0, max: 65_535 }), {
    key: 'rest.port',
    deprecatedKeys: ['web.port'],
    default: '8081',
    description: 'Port that clients use.',
  }),
  restBindAddress: option(stringType, {
    key: 'rest.bind-address',
    deprecatedKeys: ['jobmanager.web.address'],
    fallbackKeys: ['web.address'],
    default: '127.0.0.1',
    description: 'Address that the REST endpoint listens on.',
    differs: { flink: 'all', here: 'loopback', reason: 'submission runs code' },
  }),
  restBindPort: option(portsType, {
    key: 'rest.bind-port',
    deprecatedKeys: ['web.port', 'jobmanager.web.port'],
    fallbackKeys: ['rest.port'],
    default: '8081',
    description: 'Port, or range of ports, that the REST endpoint listens on.',
  }),
  allowOrigin: option(stringType, {
    key: 'web.access-control-allow-origin',
    deprecatedKeys: ['jobmanager.web.access-control-allow-origin'],
    description: 'Origins whose pages may call the REST endpoint, divided by commas; `*`: all.',
    differs: { flink: '`*`', here: 'none', reason: 'submission runs code' },
  }),
  restToken: option(stringType, {
    key: 'security.rest.auth-token',
    description:
      'Every request to the REST endpoint has to bring this token, `GET /config` aside; the command line sends it. Needed where ' +
      '`rest.bind-address` is beyond loopback, as whoever submits a job runs code. Never shown.',
    isFlink: false,
  }),
  restTls: option(booleanType, {
    key: 'security.ssl.rest.enabled',
    default: 'false',
    description:
      'TLS on the REST endpoint, with the keystore and truststore of `security.ssl.internal.*`, which has to be enabled too.',
  }),
  restClientCertificates: option(booleanType, {
    key: 'security.ssl.rest.authentication-enabled',
    default: 'false',
    description: 'Clients have to show a certificate that the truststore vouches for. Stands for a token.',
  }),
  restMaxContentLength: option(integerType({ min: 1024, max: 1_073_741_824 }), {
    key: 'rest.server.max-content-length',
    default: '104857600',
    description: 'Bytes of the largest submission.',
  }),
  restAsyncStoreDuration: option(durationType, {
    key: 'rest.async.store-duration',
    default: '5 min',
    description: 'How long the outcome of a savepoint or checkpoint that was asked for can be read.',
  }),
  restIdlenessTimeout: option(durationType, {
    key: 'rest.idleness-timeout',
    default: '5 min',
    description: 'A connection on which nothing happens for this long is closed.',
  }),
  restAwaitLeaderTimeout: option(durationType, {
    key: 'rest.await-leader-timeout',
    default: '30 s',
    description: 'How long a client waits for a leader that answers.',
  }),
  restRetryDelay: option(durationType, {
    key: 'rest.retry.delay',
    default: '250 ms',
    description: 'Pause of a client before it asks again.',
    differs: { flink: '3 s', here: '250 ms', reason: 'a leader is replaced in milliseconds' },
  }),
  restConnectionTimeout: option(durationType, {
    key: 'rest.connection-timeout',
    default: '15 s',
    description: 'How long a client waits for a connection, and then for the answer to a short request.',
  }),
};
