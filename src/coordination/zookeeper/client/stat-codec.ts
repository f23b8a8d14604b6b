import type { JuteReader } from './jute-reader.ts';
import type { JuteWriter } from './jute-writer.ts';
import type { Acl, Permission, Stat } from './zookeeper-client.ts';

/**
 * What the ensemble writes as the owner of nodes that are not ephemeral: of a container, and in the top 24 bits of a node with a
 * time to live.
 */
const CONTAINER_OWNER = -(2n ** 63n);
const TTL_MARK = 0xff0000n;

const ownerOf = (owner: bigint): bigint =>
  owner === CONTAINER_OWNER || BigInt.asUintN(64, owner) >> 40n === TTL_MARK ? 0n : owner;

/** 11 fields, 68 bytes. */
export const readStat = (reader: JuteReader): Stat => {
  const createdIn = reader.long();
  const modifiedIn = reader.long();
  const createdAtMs = reader.safeLong();
  const modifiedAtMs = reader.safeLong();
  const version = reader.int();
  const childrenVersion = reader.int();
  const aclVersion = reader.int();
  const ephemeralOwner = ownerOf(reader.long());
  const dataLength = reader.int();
  const childrenCount = reader.int();
  const childrenModifiedIn = reader.long();
  return {
    createdIn,
    modifiedIn,
    createdAtMs,
    modifiedAtMs,
    version,
    childrenVersion,
    aclVersion,
    ephemeralOwner,
    dataLength,
    childrenCount,
    childrenModifiedIn,
  };
};

const BITS: Readonly<Record<Permission, number>> = { read: 1, write: 2, create: 4, delete: 8, admin: 16 };
const PERMISSIONS = Object.keys(BITS) as Permission[];

export const EVERYBODY: readonly Acl[] = [{ scheme: 'world', id: 'anyone', permissions: PERMISSIONS }];

/** Bits, scheme and id: two lengths at least. */
const ACL_BYTES = 12;

export const writeAcl = (writer: JuteWriter, acl: readonly Acl[]): void => {
  writer.vector(acl, (each, { scheme, id, permissions }) => {
    each
      .int(permissions.reduce((bits, permission) => bits | BITS[permission], 0))
      .string(scheme)
      .string(id);
  });
};

export const readAcl = (reader: JuteReader): readonly Acl[] =>
  reader.vector(ACL_BYTES, (each) => {
    const bits = each.int();
    const scheme = each.string();
    const id = each.string();
    return { scheme, id, permissions: PERMISSIONS.filter((permission) => (bits & BITS[permission]) !== 0) };
  });
