import { z } from 'zod';
import { MillraceError } from '../../../foundation/common/errors.ts';
import type { RpcConnection } from '../rpc-connection.ts';
import { callMethod, sendMethod, type RpcService } from '../rpc-protocol.ts';

/** What both sides of a test serve. */
export const testProtocol = {
  echo: callMethod(z.unknown(), z.unknown()),
  double: callMethod(z.object({ value: z.number() }), z.object({ value: z.number() })),
  refuse: callMethod(z.object({ code: z.string(), retryable: z.boolean() }), z.unknown()),
  stumble: callMethod(z.undefined(), z.unknown()),
  /** Answers what its schema does not allow. */
  misanswer: callMethod(z.undefined(), z.string()),
  /** Answered when `release` is called. */
  wait: callMethod(z.undefined(), z.undefined()),
  note: sendMethod(z.object({ text: z.string() })),
  bulk: sendMethod(z.instanceof(Uint8Array)),
  trip: sendMethod(z.undefined()),
  /** Meant for somebody else. */
  fenced: sendMethod(z.undefined()),
};
export type TestProtocol = typeof testProtocol;
export type TestConnection = RpcConnection<TestProtocol>;

/** One side of test connections, and what reached it. */
export class TestEndpoint {
  readonly notes: string[] = [];
  bulkBytes = 0;
  waiting: (() => void)[] = [];
  readonly connections: TestConnection[] = [];

  readonly service: RpcService<TestProtocol, TestProtocol> = {
    serves: testProtocol,
    calls: testProtocol,
    handlers: {
      echo: (value) => value,
      double: async ({ value }) => {
        this.notes.push(`double ${value}`);
        await Promise.resolve();
        return { value: value * 2 };
      },
      refuse: ({ code, retryable }) => {
        throw new MillraceError(code as 'FENCED', 'no', { retryable, cause: new TypeError('because') });
      },
      stumble: () => {
        throw new RangeError('a mistake');
      },
      misanswer: () => 5 as unknown as string,
      wait: () =>
        new Promise<undefined>((resolve) => {
          this.waiting.push(() => resolve(undefined));
        }),
      note: ({ text }) => {
        this.notes.push(text);
      },
      bulk: (bytes) => {
        this.bulkBytes += bytes.length;
      },
      trip: () => {
        throw new Error('tripped');
      },
      fenced: () => {
        throw new MillraceError('FENCED', 'another one leads');
      },
    },
  };
}
