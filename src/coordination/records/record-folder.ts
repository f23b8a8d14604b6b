import type { StoredRecord } from './record-store.ts';

/** Records by the parts of their keys, `jobs/<id>/record`: what begins alike is found without a look at the others. */
export class RecordFolder {
  readonly #records = new Map<string, StoredRecord>();
  readonly #folders = new Map<string, RecordFolder>();

  get(key: string): StoredRecord | undefined {
    const [folder, rest] = split(key);
    return folder === undefined ? this.#records.get(rest) : this.#folders.get(folder)?.get(rest);
  }

  put(record: StoredRecord): void {
    this.#put(record.key, record);
  }

  delete(key: string): void {
    const [name, rest] = split(key);
    if (name === undefined) {
      this.#records.delete(rest);
      return;
    }
    const folder = this.#folders.get(name);
    folder?.delete(rest);
    if (folder?.isEmpty === true) {
      this.#folders.delete(name);
    }
  }

  get isEmpty(): boolean {
    return this.#records.size === 0 && this.#folders.size === 0;
  }

  /** Those whose keys begin so, in no order. */
  list(prefix: string): StoredRecord[] {
    const [name, rest] = split(prefix);
    if (name !== undefined) {
      return this.#folders.get(name)?.list(rest) ?? [];
    }
    const found: StoredRecord[] = [];
    this.#collect(rest, found);
    return found;
  }

  #put(rest: string, record: StoredRecord): void {
    const [name, below] = split(rest);
    if (name === undefined) {
      this.#records.set(below, record);
      return;
    }
    const folder = this.#folders.get(name) ?? new RecordFolder();
    this.#folders.set(name, folder);
    folder.#put(below, record);
  }

  #collect(beginning: string, found: StoredRecord[]): void {
    for (const [name, record] of this.#records) {
      if (name.startsWith(beginning)) {
        found.push(record);
      }
    }
    for (const [name, folder] of this.#folders) {
      if (name.startsWith(beginning)) {
        folder.#collect('', found);
      }
    }
  }
}

/** The first folder of a key, if it is in one, and what comes behind it. */
const split = (key: string): readonly [folder: string | undefined, rest: string] => {
  const slash = key.indexOf('/');
  return slash < 0 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
};
