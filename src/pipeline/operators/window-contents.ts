import type { Key, KeyedMapTable, KeyedStateBackend } from '../../runtime/state/keyed-state.ts';
import type { FunctionObject } from './function-object.ts';
import type { WindowFold, WindowFoldFactory } from './window-fold.ts';

/** What goes out when a window fires: one result, or as many as the window function returns. */
export type WindowEmit<Content, Window> = (
  key: Key,
  window: Window,
  content: Content,
  emit: (value: unknown) => void,
) => void;

/** What a window operator does with records: folds them into one accumulator, or keeps them all. */
export type WindowFunction<In, Window> =
  | {
      readonly kind: 'fold';
      readonly fold: WindowFoldFactory<In, unknown, unknown>;
      /** Emits the result itself when missing. */
      readonly emit: WindowEmit<unknown, Window> | undefined;
      readonly functionObject?: FunctionObject | undefined;
    }
  | {
      readonly kind: 'buffer';
      readonly emit: WindowEmit<readonly In[], Window>;
      readonly functionObject?: FunctionObject | undefined;
    };

/** The state of the windows of one operator, by key and pane (the window's start). */
export interface WindowContents<In> {
  /** Adds a record; true when the pane is new. */
  add(key: Key, pane: number, value: In): boolean;
  has(key: Key, pane: number): boolean;
  /** What the window function gets; only for panes that exist. */
  read(key: Key, pane: number): unknown;
  delete(key: Key, pane: number): void;
}

export const windowContents = <In>(
  fn: WindowFunction<In, never>,
  backend: KeyedStateBackend,
  operatorName: string,
): WindowContents<In> =>
  fn.kind === 'fold' ? new FoldedContents(backend, fn.fold(operatorName)) : new BufferedContents(backend);

class FoldedContents<In> implements WindowContents<In> {
  readonly #panes: KeyedMapTable<number, unknown>;
  readonly #fold: WindowFold<In, unknown, unknown>;

  constructor(backend: KeyedStateBackend, fold: WindowFold<In, unknown, unknown>) {
    this.#panes = backend.mapTable<number, unknown>('panes');
    this.#fold = fold;
  }

  add(key: Key, pane: number, value: In): boolean {
    const accumulator = this.#panes.get(key, pane);
    if (accumulator === undefined) {
      this.#panes.put(key, pane, this.#fold.first(value));
      return true;
    }
    this.#panes.put(key, pane, this.#fold.add(accumulator, value));
    return false;
  }

  has(key: Key, pane: number): boolean {
    return this.#panes.has(key, pane);
  }

  read(key: Key, pane: number): unknown {
    return this.#fold.result(this.#panes.get(key, pane));
  }

  delete(key: Key, pane: number): void {
    this.#panes.delete(key, pane);
  }
}

/**
 * Values in state are replaced, never changed, so a list that grows by one would be copied each time. The records of a
 * pane lie in small chunks instead: adding one copies a chunk at most.
 */
const CHUNK_SIZE = 8;

export class BufferedContents<In> implements WindowContents<In> {
  readonly #sizes: KeyedMapTable<number, number>;
  readonly #chunks: KeyedMapTable<string, readonly In[]>;

  constructor(backend: KeyedStateBackend) {
    this.#sizes = backend.mapTable<number, number>('pane-sizes');
    this.#chunks = backend.mapTable<string, readonly In[]>('pane-chunks');
  }

  add(key: Key, pane: number, value: In): boolean {
    const size = this.size(key, pane);
    const chunkId = chunkName(pane, Math.floor(size / CHUNK_SIZE));
    const chunk = size % CHUNK_SIZE === 0 ? undefined : this.#chunks.get(key, chunkId);
    this.#chunks.put(key, chunkId, chunk === undefined ? [value] : [...chunk, value]);
    this.#sizes.put(key, pane, size + 1);
    return size === 0;
  }

  has(key: Key, pane: number): boolean {
    return this.#sizes.has(key, pane);
  }

  size(key: Key, pane: number): number {
    return this.#sizes.get(key, pane) ?? 0;
  }

  read(key: Key, pane: number): readonly In[] {
    const records: In[] = [];
    const size = this.size(key, pane);
    for (let chunk = 0; chunk * CHUNK_SIZE < size; chunk++) {
      for (const record of this.#chunks.get(key, chunkName(pane, chunk)) ?? []) {
        records.push(record);
      }
    }
    return records;
  }

  delete(key: Key, pane: number): void {
    const size = this.size(key, pane);
    for (let chunk = 0; chunk * CHUNK_SIZE < size; chunk++) {
      this.#chunks.delete(key, chunkName(pane, chunk));
    }
    this.#sizes.delete(key, pane);
  }
}

const chunkName = (pane: number, chunk: number): string => `${pane}/${chunk}`;
