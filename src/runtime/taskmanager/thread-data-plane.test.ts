import { expect, test } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { DataPlane, FramePort } from '../network/frame-port.ts';
import { ThreadHarness } from './test-support/thread-harness.ts';

/** A data plane without a network. */
class FakeDataPlane implements DataPlane {
  readonly listening = Promise.withResolvers<{ host: string; port: number }>();
  readonly closing = Promise.withResolvers<void>();
  isClosed = false;

  listen(): Promise<{ host: string; port: number }> {
    return this.listening.promise;
  }

  dial(): FramePort {
    return { isCongested: false, post: () => {}, close: () => {} };
  }

  close(): Promise<void> {
    this.isClosed = true;
    return this.closing.promise;
  }
}

const start = () => {
  const dataPlane = new FakeDataPlane();
  const harness = new ThreadHarness((env) => void env.fromElements(1).print(), { dataPlane });
  return { dataPlane, harness };
};

test('a thread is ready when it can be reached, and says where', async () => {
  const { dataPlane, harness } = start();
  await harness.settle();
  expect(harness.reports).toEqual([]);
  dataPlane.listening.resolve({ host: 'h', port: 7 });
  await harness.settle();
  expect(harness.reports).toEqual([{ kind: 'ready', data: { host: 'h', port: 7 } }]);
});

test('a thread that cannot be reached says why', async () => {
  const { dataPlane, harness } = start();
  dataPlane.listening.reject(new MillraceError('PORT_IN_USE', 'no port'));
  await harness.settle();
  expect(harness.reports).toMatchObject([{ kind: 'unreachable', error: { code: 'PORT_IN_USE', message: 'no port' } }]);
});

test('a thread has stopped when its data plane is closed', async () => {
  const { dataPlane, harness } = start();
  harness.thread.handle({ kind: 'stop' });
  await harness.settle();
  expect([dataPlane.isClosed, harness.isStopped]).toEqual([true, false]);
  dataPlane.closing.resolve();
  await harness.settle();
  expect(harness.isStopped).toBe(true);
});
