import { durationType, integerType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

const isUsed = false;

/** The REST endpoint, and what a new leader waits for. */
export const clusterOptions = {
  reconcileTimeout: option(durationType, {
    key: 'jobmanager.reconcile.timeout',
    default: '10 s',
    description: 'How long a new leader waits for the TaskManagers to report what runs.',
    differs: { flink: '-', here: '10 s', reason: '' },
    isFlink: false,
    isUsed,
  }),
  restAddress: option(stringType, {
    key: 'rest.address',
    fallbackKeys: ['jobmanager.rpc.address'],
    description: 'Host that clients use.',
    isUsed,
  }),
  restPort: option(integerType({ min: 0, max: 65_535 }), {
    key: 'rest.port',
    deprecatedKeys: ['web.port'],
    default: '8081',
    description: 'Port that clients use.',
    isUsed,
  }),
  restBindAddress: option(stringType, {
    key: 'rest.bind-address',
    deprecatedKeys: ['jobmanager.web.address'],
    fallbackKeys: ['web.address'],
    default: '127.0.0.1',
    description: 'Address that the REST endpoint listens on.',
    differs: { flink: 'all', here: 'loopback', reason: 'submission runs code' },
    isUsed,
  }),
  restBindPort: option(stringType, {
    key: 'rest.bind-port',
    deprecatedKeys: ['web.port', 'jobmanager.web.port'],
    fallbackKeys: ['rest.port'],
    default: '8081',
    description: 'Port, or range of ports, that the REST endpoint listens on.',
    isUsed,
  }),
  allowOrigin: option(stringType, {
    key: 'web.access-control-allow-origin',
    deprecatedKeys: ['jobmanager.web.access-control-allow-origin'],
    description: 'Origins whose pages may call the REST endpoint.',
    differs: { flink: '`*`', here: 'none', reason: 'submission runs code' },
    isUsed,
  }),
};
