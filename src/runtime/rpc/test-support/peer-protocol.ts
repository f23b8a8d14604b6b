import { z } from 'zod';
import { callMethod } from '../rpc-protocol.ts';
import { testProtocol } from './test-protocol.ts';

/** What a process of `peer-process.ts` serves. */
export const peerProtocol = {
  ...testProtocol,
  /** After a collection. */
  memory: callMethod(z.undefined(), z.object({ bytes: z.number(), connections: z.number() })),
};
export type PeerProtocol = typeof peerProtocol;
