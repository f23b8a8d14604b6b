import { JuteWriter } from './jute-writer.ts';
import type { Chroot } from './paths.ts';
import { request, type Request } from './request.ts';
import { OP } from './wire-codes.ts';

/** Far below the largest request that a server takes: there may be more watches than fit in one. */
const CHUNK_BYTES = 128 * 1024;
const LENGTH_BYTES = 4;

/** Paths of the client, in the order in which the server sets them. */
export interface WatchedPaths {
  readonly data: Iterable<string>;
  readonly absence: Iterable<string>;
  readonly children: Iterable<string>;
  readonly persistent: Iterable<string>;
  readonly recursive: Iterable<string>;
}

type Kind = keyof WatchedPaths;
const KINDS: readonly Kind[] = ['data', 'absence', 'children', 'persistent', 'recursive'];
/** What `setWatches` knows: servers before 3.6 have nothing else. */
const ONE_TIME_KINDS = KINDS.slice(0, 3);

/**
 * Requests that set watches again on a new connection. For those that hear once the server compares with transaction `since` and tells
 * at once what has changed; the others it only sets.
 */
export const setWatchesRequests = (chroot: Chroot, since: bigint, paths: WatchedPaths): Request<void>[] => {
  const requests: Request<void>[] = [];
  let chunk = new Map<Kind, string[]>();
  let bytes = 0;
  const end = (): void => {
    if (bytes > 0) {
      requests.push(setWatchesRequest(since, chunk));
      chunk = new Map();
      bytes = 0;
    }
  };
  for (const kind of KINDS) {
    for (const path of paths[kind]) {
      const onServer = chroot.onServer(path);
      const pathBytes = LENGTH_BYTES + Buffer.byteLength(onServer, 'utf8');
      if (bytes + pathBytes > CHUNK_BYTES) {
        end();
      }
      const ofKind = chunk.get(kind);
      if (ofKind === undefined) {
        chunk.set(kind, [onServer]);
      } else {
        ofKind.push(onServer);
      }
      bytes += pathBytes;
    }
  }
  end();
  return requests;
};

const setWatchesRequest = (since: bigint, paths: ReadonlyMap<Kind, readonly string[]>): Request<void> => {
  const hasLasting = paths.has('persistent') || paths.has('recursive');
  const writer = new JuteWriter(CHUNK_BYTES + 64).long(since);
  for (const kind of hasLasting ? KINDS : ONE_TIME_KINDS) {
    writer.vector(paths.get(kind) ?? [], (each, path) => each.string(path));
  }
  const op = hasLasting ? OP.setWatches2 : OP.setWatches;
  return request(op, 'setWatches', undefined, writer.take(), () => {});
};
