import { MillraceError } from '../../foundation/common/errors.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import type { Option } from '../../foundation/config/option.ts';
import { rpcOptions } from '../../foundation/config/options/rpc-options.ts';
import type { HeartbeatOptions } from './heartbeat-core.ts';
import { parsePortRange } from './port-range.ts';
import type { RegistrationTiming } from './registration-backoff.ts';
import { defaultLimits, type RpcLimits } from './rpc-limits.ts';
import type { ListenOptions } from './rpc-transport.ts';

/** Lengths of messages are 32 bits on the wire. */
const FRAME_BYTES_MAX = 1024 * 1024 * 1024;
const FRAME_BYTES_MIN = 16 * 1024;
/** Messages that mean anything have more for each object. */
const BYTES_PER_OBJECT = 10;
/** The queue of a connection holds several of the largest messages. */
const FRAMES_PER_QUEUE = 4;

/** Errors: BAD_OPTION. */
export const rpcLimits = (configuration: Configuration): RpcLimits => {
  const frameBytesMax = configuration.get(rpcOptions.frameSize) ?? defaultLimits.frameBytesMax;
  if (frameBytesMax < FRAME_BYTES_MIN || frameBytesMax > FRAME_BYTES_MAX) {
    throw new MillraceError(
      'BAD_OPTION',
      `${rpcOptions.frameSize.key} is ${frameBytesMax} bytes; allowed: ${FRAME_BYTES_MIN} to ${FRAME_BYTES_MAX} bytes`,
    );
  }
  return {
    ...defaultLimits,
    frameBytesMax,
    objectsMax: Math.max(defaultLimits.objectsMax, Math.ceil(frameBytesMax / BYTES_PER_OBJECT)),
    queueBytesMax: Math.max(defaultLimits.queueBytesMax, frameBytesMax * FRAMES_PER_QUEUE),
    askTimeoutMs: configuration.get(rpcOptions.askTimeout),
    connectTimeoutMs: configuration.get(rpcOptions.tcpTimeout),
  };
};

/** Errors: BAD_OPTION when a process would be dead before its next heartbeat. */
export const heartbeatOptions = (configuration: Configuration): HeartbeatOptions => {
  const { heartbeatInterval, heartbeatTimeout, heartbeatFailureThreshold } = rpcOptions;
  const intervalMs = configuration.get(heartbeatInterval);
  const timeoutMs = configuration.get(heartbeatTimeout);
  if (intervalMs <= 0 || timeoutMs <= intervalMs) {
    throw new MillraceError(
      'BAD_OPTION',
      `${heartbeatTimeout.key} is ${timeoutMs} ms and ${heartbeatInterval.key} ${intervalMs} ms; the timeout has to be ` +
        'longer than the interval, by several times, and the interval more than 0',
    );
  }
  return { intervalMs, timeoutMs, failureThreshold: configuration.get(heartbeatFailureThreshold) };
};

export const registrationTiming = (configuration: Configuration): RegistrationTiming => ({
  initialTimeoutMs: Math.max(1, configuration.get(rpcOptions.registrationInitialTimeout)),
  maxTimeoutMs: Math.max(1, configuration.get(rpcOptions.registrationMaxTimeout)),
  errorDelayMs: configuration.get(rpcOptions.registrationErrorDelay),
  refusedDelayMs: configuration.get(rpcOptions.registrationRefusedDelay),
});

/** Where a process listens: on the bind port, where one is set, else on the port that others see. Errors: BAD_OPTION. */
export const binding = (
  configuration: Configuration,
  options: {
    readonly host: Option<string>;
    readonly bindPort: Option<string | undefined>;
    readonly port: Option<string>;
  },
): Pick<ListenOptions, 'host' | 'ports' | 'portsKey'> => {
  const portsKey = configuration.entry(options.bindPort)?.key ?? options.port.key;
  const text = configuration.get(options.bindPort) ?? configuration.get(options.port);
  return { host: configuration.get(options.host), ports: parsePortRange(text, portsKey), portsKey };
};
