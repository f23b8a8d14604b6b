import { z } from 'zod';
import { MillraceError } from '../../foundation/common/errors.ts';
import { fenceSchema, type Fence } from '../../foundation/common/fence.ts';

export type ProcessRole = 'jobmanager' | 'taskmanager' | 'client';

/** What a process says of itself before anything else. */
export interface Hello {
  /** `PROTOCOL_VERSION`. */
  readonly protocolVersion: number;
  /** Of the package, for people. */
  readonly packageVersion: string;
  readonly clusterId: string;
  readonly role: ProcessRole;
  /** New at each start of a process. */
  readonly instanceId: string;
  /** The same after a restart: `taskmanager.resource-id`, `jobmanager.resource-id`. */
  readonly resourceId: string;
  /** The newest leadership that the process knows of. */
  readonly fence?: Fence;
}

const name = z.string().min(1).max(256);

/** The version travels beside it, readable for every version. */
export const helloSchema = z.object({
  packageVersion: name,
  clusterId: name,
  role: z.enum(['jobmanager', 'taskmanager', 'client']),
  instanceId: name,
  resourceId: name,
  fence: z.exactOptional(fenceSchema),
});

/** `taskmanager tm-1 (host:port)`, for messages. */
export const describePeer = (hello: Pick<Hello, 'role' | 'resourceId'>, remoteAddress: string): string =>
  `${hello.role} ${hello.resourceId} (${remoteAddress})`;

/** Why a process of this version cannot talk to one of that; `undefined` when it can. */
export const refuseVersion = (
  own: Pick<Hello, 'protocolVersion' | 'packageVersion'>,
  peer: { readonly protocolVersion: number; readonly packageVersion: string },
  remoteAddress: string,
): MillraceError | undefined =>
  own.protocolVersion === peer.protocolVersion
    ? undefined
    : new MillraceError(
        'HELLO_REFUSED',
        `the process at ${remoteAddress} runs Millrace ${peer.packageVersion} (protocol ${peer.protocolVersion}), this one ` +
          `${own.packageVersion} (protocol ${own.protocolVersion}); processes of a cluster need the same protocol`,
      );

/** Why a process of this cluster does not talk to that one; `undefined` when it does. */
export const refuseCluster = (own: Hello, peer: Hello, remoteAddress: string): MillraceError | undefined =>
  own.clusterId === peer.clusterId
    ? undefined
    : new MillraceError(
        'HELLO_REFUSED',
        `${describePeer(peer, remoteAddress)} belongs to cluster '${peer.clusterId}', this ${own.role} to ` +
          `'${own.clusterId}'; set high-availability.cluster-id to the same value, or connect to the right cluster`,
      );
