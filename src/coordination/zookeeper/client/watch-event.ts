import type { JuteReader } from './jute-reader.ts';
import type { Chroot } from './paths.ts';
import type { Watcher, WatchEvent } from './zookeeper-client.ts';

/** Numbers beyond these tell of watches that were removed, and of nothing that happened to a node. */
const KINDS: ReadonlyMap<number, WatchEvent['kind']> = new Map([
  [1, 'created'],
  [2, 'deleted'],
  [3, 'changed'],
  [4, 'children-changed'],
]);

export const readWatchEvent = (chroot: Chroot, reader: JuteReader): WatchEvent | undefined => {
  const kind = KINDS.get(reader.int());
  // The state of the connection as the server sees it.
  reader.int();
  const path = chroot.ofClient(reader.string());
  return kind === undefined ? undefined : { kind, path };
};

/** What a watcher throws is its owner's uncaught exception, and holds up neither the other watchers nor the connection. */
export const tell = (watcher: Watcher, event: WatchEvent): void => {
  try {
    watcher(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};
