import { childOf, parentOf } from './paths.ts';

/** Which nodes there are, as far as is known: names, each below its parent. */
export class KnownNodes {
  readonly #names = new Map<string, Set<string>>();
  #hasRoot = false;

  has(path: string): boolean {
    const parent = parentOf(path);
    return parent === undefined ? this.#hasRoot : this.#names.get(parent)?.has(nameOf(path)) === true;
  }

  add(path: string): void {
    const parent = parentOf(path);
    if (parent === undefined) {
      this.#hasRoot = true;
      return;
    }
    const names = this.#names.get(parent);
    if (names === undefined) {
      this.#names.set(parent, new Set([nameOf(path)]));
    } else {
      names.add(nameOf(path));
    }
  }

  /** With all below it. Returns what was known of it, children before their parents. */
  remove(path: string): readonly string[] {
    const removed: string[] = [];
    for (const name of this.childrenOf(path)) {
      removed.push(...this.remove(childOf(path, name)));
    }
    if (this.has(path)) {
      removed.push(path);
      this.#forget(path);
    }
    return removed;
  }

  childrenOf(path: string): readonly string[] {
    return [...(this.#names.get(path) ?? [])];
  }

  #forget(path: string): void {
    const parent = parentOf(path);
    if (parent === undefined) {
      this.#hasRoot = false;
      return;
    }
    const names = this.#names.get(parent);
    names?.delete(nameOf(path));
    if (names?.size === 0) {
      this.#names.delete(parent);
    }
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
