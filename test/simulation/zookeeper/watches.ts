import type { WatchEvent } from '../../../src/coordination/zookeeper/client/zookeeper-client.ts';
import { parentOf, type Committed, type Tree } from './tree.ts';

/** `data`: hears of changes and the end of a node; `exists`: and of its beginning; both, and `children`, once. */
export type WatchKind = 'data' | 'exists' | 'children' | 'persistent' | 'persistent-recursive';

/** A watch as a server has it, for one connection. */
export interface ServerWatch {
  readonly id: number;
  readonly kind: WatchKind;
  readonly path: string;
}

export const isOneTime = ({ kind }: ServerWatch): boolean => kind !== 'persistent' && kind !== 'persistent-recursive';

/** What all watches would hear of a transaction, in order. */
export const eventsOf = ({ deltas }: Committed): readonly WatchEvent[] =>
  deltas.flatMap((delta): WatchEvent[] => {
    const { path } = delta;
    switch (delta.kind) {
      case 'create':
        return [
          { kind: 'created', path },
          { kind: 'children-changed', path: parentOf(path) },
        ];
      case 'delete':
        return [
          { kind: 'deleted', path },
          { kind: 'children-changed', path: parentOf(path) },
        ];
      case 'set':
        return [{ kind: 'changed', path }];
      case 'acl':
        return [];
    }
  });

/** Whether a watch hears of this event. */
export const hears = ({ kind, path }: ServerWatch, event: WatchEvent): boolean => {
  if (kind === 'persistent-recursive') {
    const isBelow = event.path === path || path === '/' || event.path.startsWith(`${path}/`);
    return isBelow && event.kind !== 'children-changed';
  }
  if (event.path !== path) {
    return false;
  }
  switch (kind) {
    case 'data':
      return event.kind === 'changed' || event.kind === 'deleted';
    case 'exists':
      return event.kind !== 'children-changed';
    case 'children':
      return event.kind === 'children-changed' || event.kind === 'deleted';
    case 'persistent':
      return true;
  }
};

/**
 * What a watch that is set again on another server has missed: one event for each node that differs now from what it was after
 * `seen`.
 */
export const missedBy = (watch: ServerWatch, missed: readonly Committed[], now: Tree): readonly WatchEvent[] => {
  const before = new Map<string, boolean>();
  const children = new Set<string>();
  for (const { path, kind } of missed.flatMap(({ deltas }) => deltas)) {
    if (!before.has(path)) {
      before.set(path, kind !== 'create');
    }
    if (kind === 'create' || kind === 'delete') {
      children.add(parentOf(path));
    }
  }
  const events: WatchEvent[] = [];
  for (const [path, wasThere] of before) {
    const isThere = now.get(path) !== undefined;
    if (wasThere || isThere) {
      events.push({ kind: isThere ? (wasThere ? 'changed' : 'created') : 'deleted', path });
    }
  }
  for (const path of children) {
    if (now.get(path) !== undefined) {
      events.push({ kind: 'children-changed', path });
    }
  }
  const heard = events.filter((event) => hears(watch, event));
  return isOneTime(watch) ? heard.slice(0, 1) : heard;
};
