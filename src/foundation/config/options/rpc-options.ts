import { durationType, integerType, memoryType, portsType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

const registration = 'cluster.registration';

/** How the processes of a cluster reach each other. */
export const rpcOptions = {
  jobManagerAddress: option(stringType, {
    key: 'jobmanager.rpc.address',
    default: '127.0.0.1',
    description: 'Host that others reach the JobManager at.',
    differs: { flink: 'none', here: '127.0.0.1', reason: 'a cluster on one machine needs no configuration' },
  }),
  jobManagerPort: option(stringType, {
    key: 'jobmanager.rpc.port',
    default: '6123',
    description: 'Port, or range of ports, that others reach the JobManager at without HA.',
  }),
  jobManagerBindHost: option(stringType, {
    key: 'jobmanager.bind-host',
    default: '127.0.0.1',
    description: 'Address that the JobManager listens on.',
    differs: { flink: 'all', here: '127.0.0.1', reason: 'submission runs code' },
  }),
  jobManagerBindPort: option(stringType, {
    key: 'jobmanager.rpc.bind-port',
    fallbackKeys: ['jobmanager.rpc.port'],
    defaultText: '`jobmanager.rpc.port`',
    description: 'Port, or range of ports, that the JobManager listens on, where it differs from what others see.',
  }),
  jobManagerResourceId: option(stringType, {
    key: 'jobmanager.resource-id',
    defaultText: 'made of host and port',
    description: 'Name of the JobManager, the same after a restart.',
  }),
  taskManagerHost: option(stringType, {
    key: 'taskmanager.host',
    defaultText: '`taskmanager.bind-host`; bound to all addresses, the one it reaches the JobManager from',
    description: 'Host that others reach the TaskManager at.',
  }),
  taskManagerBindHost: option(stringType, {
    key: 'taskmanager.bind-host',
    default: '127.0.0.1',
    description: 'Address that the TaskManager listens on.',
    differs: { flink: 'all', here: '127.0.0.1', reason: 'submission runs code' },
  }),
  taskManagerPort: option(stringType, {
    key: 'taskmanager.rpc.port',
    default: '0',
    description: 'Port, or range of ports, for the control plane of the TaskManager; 0 takes any.',
  }),
  taskManagerBindPort: option(stringType, {
    key: 'taskmanager.rpc.bind-port',
    fallbackKeys: ['taskmanager.rpc.port'],
    defaultText: '`taskmanager.rpc.port`',
    description: 'Port, or range of ports, that the TaskManager listens on, where it differs from what others see.',
  }),
  taskManagerDataBindPort: option(portsType, {
    key: 'taskmanager.data.bind-port',
    fallbackKeys: ['taskmanager.data.port'],
    default: '0',
    defaultText: '`taskmanager.data.port`',
    description: 'Port, or range of ports, for records that the TaskManager listens on.',
  }),
  taskManagerResourceId: option(stringType, {
    key: 'taskmanager.resource-id',
    defaultText: 'new at each start',
    description: 'Name of the TaskManager. One that starts under the name of a dead one takes its place.',
  }),
  heartbeatInterval: option(durationType, {
    key: 'heartbeat.interval',
    default: '1 s',
    description: 'Pause between heartbeats.',
    differs: { flink: '10 s', here: '1 s', reason: 'a frozen process is noticed in seconds' },
  }),
  heartbeatTimeout: option(durationType, {
    key: 'heartbeat.timeout',
    default: '6 s',
    description: 'A process that is silent for this long counts as dead.',
    differs: { flink: '50 s', here: '6 s', reason: 'a frozen process is noticed in seconds' },
  }),
  heartbeatFailureThreshold: option(integerType({ min: -1 }), {
    key: 'heartbeat.rpc-failure-threshold',
    default: '2',
    description: 'Failed heartbeats in a row before a process counts as unreachable; -1 does not count.',
  }),
  registrationInitialTimeout: option(durationType, {
    key: `${registration}.initial-timeout`,
    default: '100 ms',
    description: 'Time for the first attempt to register with the leader; each that takes too long doubles it.',
  }),
  registrationMaxTimeout: option(durationType, {
    key: `${registration}.max-timeout`,
    default: '30 s',
    description: 'The longest such time.',
  }),
  registrationErrorDelay: option(durationType, {
    key: `${registration}.error-delay`,
    default: '10 s',
    description:
      'The longest pause after a registration that failed. The first is `cluster.registration.initial-timeout`, each ' +
      'further one twice as long.',
  }),
  registrationRefusedDelay: option(durationType, {
    key: `${registration}.refused-registration-delay`,
    default: '30 s',
    description: 'Pause after a registration that was refused.',
  }),
  taskManagerRegistrationTimeout: option(durationType, {
    key: 'taskmanager.registration.timeout',
    deprecatedKeys: ['taskmanager.maxRegistrationDuration'],
    default: '5 min',
    description: 'A TaskManager that cannot register for this long ends itself.',
  }),
  askTimeout: option(durationType, {
    key: 'pekko.ask.timeout',
    deprecatedKeys: ['akka.ask.timeout'],
    default: '10 s',
    description: 'How long a call to another process waits for its answer.',
  }),
  tcpTimeout: option(durationType, {
    key: 'pekko.tcp.timeout',
    deprecatedKeys: ['akka.tcp.timeout'],
    default: '20 s',
    description: 'Limit of one attempt to connect.',
  }),
  frameSize: option(memoryType, {
    key: 'pekko.framesize',
    deprecatedKeys: ['akka.framesize'],
    default: '10 mb',
    description: 'The largest message between processes; the same in all of them.',
  }),
};
