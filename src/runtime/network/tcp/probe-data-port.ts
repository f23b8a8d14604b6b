import type { Clock } from '../../../foundation/common/clock.ts';
import type { DataLocation } from '../../../foundation/common/data-location.ts';
import { MillraceError } from '../../../foundation/common/errors.ts';
import { decodeAnswer, encodeHello, HelloReader } from './connection-hello.ts';
import type { DataPlaneTls } from './data-plane-settings.ts';
import { openSocket } from './sockets.ts';

export interface DataPortProbe {
  readonly clusterId: string;
  readonly tls: DataPlaneTls | undefined;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/** Nobody consumes over it. */
const ASKER = { instanceId: 'hosts-check', thread: 0 };

/**
 * Connects to a data port, says hello and leaves. Rejects when the thread that is meant does not answer: HELLO_REFUSED with its
 * reason, TIMEOUT, CORRUPT_DATA for what is no answer, and errors of sockets.
 */
export const probeDataPort = async (to: DataLocation, probe: DataPortProbe): Promise<void> => {
  const { clusterId, tls, clock, timeoutMs } = probe;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const reader = new HelloReader();
  const socket = openSocket(
    to,
    tls,
    () => socket.write(encodeHello({ clusterId, from: ASKER, to })),
    (bytes) => {
      try {
        const message = reader.push(bytes);
        if (message !== undefined) {
          const { verdict, reason } = decodeAnswer(message.body);
          return verdict === 'refused' ? reject(new MillraceError('HELLO_REFUSED', reason)) : resolve();
        }
      } catch (thrown) {
        reject(thrown);
      }
    },
  );
  socket.on('error', reject);
  socket.once('close', () => reject(new MillraceError('CONNECTION_LOST', 'it closed the connection without a word')));
  const timer = clock.after(timeoutMs, () =>
    reject(new MillraceError('TIMEOUT', `no answer within ${timeoutMs} ms`, { retryable: true })),
  );
  try {
    await promise;
  } finally {
    timer.cancel();
    socket.destroy();
  }
};
