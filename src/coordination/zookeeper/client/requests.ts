import { encodeCreate } from './create-request.ts';
import type { JuteReader } from './jute-reader.ts';
import { JuteWriter } from './jute-writer.ts';
import { checkPath, type Chroot } from './paths.ts';
import { refusal, request, type Request } from './request.ts';
import { readAcl, readStat, writeAcl } from './stat-codec.ts';
import { NO_NODE, OP } from './wire-codes.ts';
import type { Acl, CreateOptions, Stat } from './zookeeper-client.ts';

/* Each checks its arguments (BAD_ARGUMENTS) and encodes them; the grammar is the sequence of the calls. */

const NOTHING = new Uint8Array(0);
const nothing = (): void => {};

export const createRequest = (
  chroot: Chroot,
  path: string,
  data: Uint8Array,
  options: CreateOptions,
): Request<{ readonly path: string; readonly stat: Stat }> => {
  const { op, body } = encodeCreate(chroot, path, data, options, OP.create2);
  return request(op, 'create', path, body, (reader) => ({
    path: chroot.ofClient(reader.string()),
    stat: readStat(reader),
  }));
};

/** The last byte of the body of a read says whether the server shall watch. */
export const encodeRead = (chroot: Chroot, name: string, path: string): Uint8Array => {
  checkPath(name, path);
  return new JuteWriter().string(chroot.onServer(path)).bool(false).take();
};

export const getRequest = (chroot: Chroot, path: string): Request<{ readonly data: Uint8Array; readonly stat: Stat }> =>
  request(OP.getData, 'get', path, encodeRead(chroot, 'get', path), (reader) => ({
    data: reader.buffer(),
    stat: readStat(reader),
  }));

/** No such node is an answer. */
export const existsRequest = (chroot: Chroot, path: string): Request<Stat | undefined> => ({
  op: OP.exists,
  name: 'exists',
  path,
  body: encodeRead(chroot, 'exists', path),
  read: ({ error, body }) => {
    if (error === NO_NODE) {
      return undefined;
    }
    if (error !== 0) {
      throw refusal({ name: 'exists', path }, error);
    }
    return readStat(body);
  },
});

export const readNames = (reader: JuteReader): readonly string[] => reader.vector(4, (each) => each.string());

export const childrenRequest = (
  chroot: Chroot,
  path: string,
): Request<{ readonly names: readonly string[]; readonly stat: Stat }> =>
  request(OP.getChildren2, 'children', path, encodeRead(chroot, 'children', path), (reader) => ({
    names: readNames(reader),
    stat: readStat(reader),
  }));

export const encodeSet = (chroot: Chroot, path: string, data: Uint8Array, version: number): Uint8Array => {
  checkPath('set', path);
  return new JuteWriter(path.length + data.length + 32).string(chroot.onServer(path)).buffer(data).int(version).take();
};

export const setRequest = (chroot: Chroot, path: string, data: Uint8Array, version: number): Request<Stat> =>
  request(OP.setData, 'set', path, encodeSet(chroot, path, data, version), readStat);

/** Of `delete`, and of `check` in a multi. */
export const encodePathAndVersion = (chroot: Chroot, name: string, path: string, version: number): Uint8Array => {
  checkPath(name, path);
  return new JuteWriter().string(chroot.onServer(path)).int(version).take();
};

export const deleteRequest = (chroot: Chroot, path: string, version: number): Request<void> =>
  request(OP.delete, 'delete', path, encodePathAndVersion(chroot, 'delete', path, version), nothing);

const encodePath = (chroot: Chroot, name: string, path: string): Uint8Array => {
  checkPath(name, path);
  return new JuteWriter().string(chroot.onServer(path)).take();
};

export const getAclRequest = (
  chroot: Chroot,
  path: string,
): Request<{ readonly acl: readonly Acl[]; readonly stat: Stat }> =>
  request(OP.getAcl, 'getAcl', path, encodePath(chroot, 'getAcl', path), (reader) => ({
    acl: readAcl(reader),
    stat: readStat(reader),
  }));

export const setAclRequest = (chroot: Chroot, path: string, acl: readonly Acl[], version: number): Request<Stat> => {
  checkPath('setAcl', path);
  const writer = new JuteWriter().string(chroot.onServer(path));
  writeAcl(writer, acl);
  return request(OP.setAcl, 'setAcl', path, writer.int(version).take(), readStat);
};

export const syncRequest = (chroot: Chroot, path: string): Request<void> =>
  request(OP.sync, 'sync', path, encodePath(chroot, 'sync', path), nothing);

export const whoAmIRequest = (): Request<readonly { readonly scheme: string; readonly id: string }[]> =>
  request(OP.whoAmI, 'whoAmI', undefined, NOTHING, (reader: JuteReader) =>
    reader.vector(8, (each) => ({ scheme: each.string(), id: each.string() })),
  );

export type LastingMode = 'persistent' | 'persistent-recursive';

export const addWatchRequest = (chroot: Chroot, path: string, mode: LastingMode): Request<void> => {
  checkPath('addWatch', path);
  const body = new JuteWriter()
    .string(chroot.onServer(path))
    .int(mode === 'persistent' ? 0 : 1)
    .take();
  return request(OP.addWatch, 'addWatch', path, body, nothing);
};

/** Watches of any kind. */
const ANY_WATCH = 3;

export const removeWatchesRequest = (chroot: Chroot, path: string): Request<void> =>
  request(
    OP.removeWatches,
    'removeWatches',
    path,
    new JuteWriter().string(chroot.onServer(path)).int(ANY_WATCH).take(),
    nothing,
  );

export const closeRequest: Request<void> = request(OP.closeSession, 'close', undefined, NOTHING, nothing);
