import { basename, dirname } from 'node:path/posix';
import type { Random } from '../../common/random.ts';
import type { Disk, DiskEntry, DiskFile, DiskOpenMode } from '../disk/disk.ts';
import { contentAfterPowerLoss, keepAfterPowerLoss } from './power-loss.ts';

/**
 * A disk behind a page cache, in memory. What was not synced is lost by `crash`, or not, or in part, as on a machine that
 * loses power: each change of a folder on its own, each piece of a file on its own. `crash` also makes open files useless.
 */
export class MemoryDisk implements Disk {
  readonly #root: Folder;
  readonly #now: () => number;
  /** Those that were found, until one of them goes. */
  readonly #foldersByPath = new Map<string, Folder>();
  /** Changes of folders that no `syncFolder` has made durable, in order. */
  #pending: FolderChange[] = [];
  #unsyncedFiles = new Set<File>();
  #incarnation = 0;
  #pruneAbove = PRUNE_ABOVE_MIN;

  constructor(now: () => number) {
    this.#now = now;
    this.#root = newFolder(now());
  }

  /** Loses power and comes back with what the random numbers left of the unsynced writes. */
  crash(random: Random): void {
    this.#incarnation++;
    for (const change of keepAfterPowerLoss(this.#pending, random)) {
      applyDurably(change, random.int(8) === 0);
    }
    for (const file of this.#unsyncedFiles) {
      file.durable = contentAfterPowerLoss(file.durable, file.content, random);
    }
    this.#forgetCache();
  }

  /** The process dies, the machine goes on: nothing written is lost, but open files are useless. */
  killProcess(): void {
    this.#incarnation++;
  }

  /** Changes and files that a crash may still undo. */
  get unsyncedCount(): number {
    return this.#pending.length + this.#unsyncedFiles.size;
  }

  async open(path: string, mode: DiskOpenMode): Promise<DiskFile> {
    const folder = this.#folder(dirname(path));
    const name = basename(path);
    let node = folder.entries.get(name);
    if (node !== undefined && mode === 'create-new') {
      throw systemError('EEXIST', path);
    }
    if (node?.kind === 'folder' && mode !== 'read') {
      throw systemError('EISDIR', path);
    }
    if (node === undefined) {
      if (mode === 'read' || mode === 'change') {
        throw systemError('ENOENT', path);
      }
      node = { kind: 'file', content: noBytes, durable: noBytes, modifiedMs: this.#now() };
      this.#change([{ folder, name, node }]);
    } else if (mode === 'create' && node.kind === 'file') {
      this.#setContent(node, noBytes);
    }
    return this.#handle(node);
  }

  async stat(path: string): Promise<DiskEntry> {
    return entryOf(this.#node(path));
  }

  async readFolder(path: string): Promise<readonly string[]> {
    return [...this.#folder(path).entries.keys()];
  }

  async makeFolder(path: string): Promise<void> {
    const folder = this.#folder(dirname(path));
    const name = basename(path);
    if (name === '' || folder.entries.has(name)) {
      throw systemError('EEXIST', path);
    }
    this.#change([{ folder, name, node: newFolder(this.#now()) }]);
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#folder(dirname(from));
    const target = this.#folder(dirname(to));
    const node = this.#node(from);
    const replaced = target.entries.get(basename(to));
    if (replaced !== undefined && replaced.kind !== node.kind) {
      throw systemError(replaced.kind === 'folder' ? 'EISDIR' : 'ENOTDIR', to);
    }
    if (replaced?.kind === 'folder' && replaced.entries.size > 0) {
      throw systemError('ENOTEMPTY', to);
    }
    if (replaced === node) {
      return;
    }
    this.#change([
      { folder: target, name: basename(to), node },
      { folder: source, name: basename(from), node: undefined },
    ]);
  }

  async link(from: string, to: string): Promise<void> {
    const node = this.#node(from);
    const folder = this.#folder(dirname(to));
    if (folder.entries.has(basename(to))) {
      throw systemError('EEXIST', to);
    }
    this.#change([{ folder, name: basename(to), node }]);
  }

  async removeFile(path: string): Promise<void> {
    if (this.#node(path).kind === 'folder') {
      throw systemError('EISDIR', path);
    }
    this.#change([{ folder: this.#folder(dirname(path)), name: basename(path), node: undefined }]);
  }

  async removeTree(path: string): Promise<void> {
    const node = this.#node(path);
    if (node.kind === 'folder') {
      for (const name of [...node.entries.keys()]) {
        await this.removeTree(`${path}/${name}`);
      }
    }
    this.#change([{ folder: this.#folder(dirname(path)), name: basename(path), node: undefined }]);
  }

  async syncFolder(path: string): Promise<void> {
    const folder = this.#folder(path);
    const rest: FolderChange[] = [];
    for (const change of this.#pending) {
      if (change.some((entry) => entry.folder === folder)) {
        applyDurably(change, false);
      } else {
        rest.push(change);
      }
    }
    this.#pending = rest;
    if (this.unsyncedCount > this.#pruneAbove) {
      this.#prune();
    }
  }

  #handle(node: Folder | File): DiskFile {
    const openedIn = this.#incarnation;
    const file = (): File => {
      if (openedIn !== this.#incarnation) {
        throw systemError('EBADF', 'a file of before the crash');
      }
      if (node.kind === 'folder') {
        throw systemError('EISDIR', 'an open folder');
      }
      return node;
    };
    return {
      stat: async () => entryOf(node),
      read: async (into, offset) => {
        const part = file().content.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      write: async (bytes, offset) => {
        this.#setContent(file(), overwritten(file().content, bytes, offset));
      },
      truncate: async (length) => {
        const cut = new Uint8Array(length);
        cut.set(file().content.subarray(0, length));
        this.#setContent(file(), cut);
      },
      sync: async () => {
        const target = file();
        target.durable = target.content;
        this.#unsyncedFiles.delete(target);
      },
      close: async () => undefined,
    };
  }

  /** Content is replaced, never changed in place: the durable one may be the same array. */
  #setContent(file: File, content: Uint8Array): void {
    file.content = content;
    file.modifiedMs = this.#now();
    this.#unsyncedFiles.add(file);
  }

  #change(change: FolderChange): void {
    for (const { folder, name, node } of change) {
      if (folder.entries.get(name)?.kind === 'folder') {
        this.#foldersByPath.clear();
      }
      setEntry(folder.entries, name, node);
      folder.modifiedMs = this.#now();
    }
    this.#pending.push(change);
  }

  #node(path: string): Folder | File {
    const end = path.lastIndexOf('/');
    const name = path.slice(end + 1);
    return end <= 0 || name === '' ? this.#walk(path) : entryIn(this.#folder(path.slice(0, end)), name, path);
  }

  #walk(path: string): Folder | File {
    let node: Folder | File = this.#root;
    for (const name of path.split('/')) {
      if (name === '') {
        continue;
      }
      if (node.kind === 'file') {
        throw systemError('ENOTDIR', path);
      }
      node = entryIn(node, name, path);
    }
    return node;
  }

  #folder(path: string): Folder {
    const known = this.#foldersByPath.get(path);
    if (known !== undefined) {
      return known;
    }
    const node = this.#node(path);
    if (node.kind === 'file') {
      throw systemError('ENOTDIR', path);
    }
    this.#foldersByPath.set(path, node);
    return node;
  }

  #forgetCache(): void {
    this.#foldersByPath.clear();
    this.#pending = [];
    this.#unsyncedFiles = new Set();
    for (const node of reachable([this.#root], (folder) => [folder.durable])) {
      if (node.kind === 'folder') {
        node.entries = new Map(node.durable);
      } else {
        node.content = node.durable;
      }
    }
  }

  /** Drops what is unsynced for ever, because nothing reaches it. */
  #prune(): void {
    const pendingNodes = this.#pending.flatMap((change) => change.map(({ node }) => node ?? this.#root));
    const seen = reachable([this.#root, ...pendingNodes], (folder) => [folder.entries, folder.durable]);
    this.#pending = this.#pending.filter((change) => change.some(({ folder }) => seen.has(folder)));
    this.#unsyncedFiles = new Set([...this.#unsyncedFiles].filter((file) => seen.has(file)));
    this.#pruneAbove = Math.max(PRUNE_ABOVE_MIN, 2 * this.unsyncedCount);
  }
}

interface File {
  readonly kind: 'file';
  content: Uint8Array;
  durable: Uint8Array;
  modifiedMs: number;
}

interface Folder {
  readonly kind: 'folder';
  entries: Map<string, Folder | File>;
  readonly durable: Map<string, Folder | File>;
  modifiedMs: number;
}

/** One call's change of entries; a rename has two. */
type FolderChange = readonly {
  readonly folder: Folder;
  readonly name: string;
  readonly node: Folder | File | undefined;
}[];

type Entries = ReadonlyMap<string, Folder | File>;

/** Unsynced changes and files that are kept before those that nothing reaches are looked for. */
const PRUNE_ABOVE_MIN = 1000;

const noBytes = new Uint8Array(0);

const newFolder = (modifiedMs: number): Folder => ({
  kind: 'folder',
  entries: new Map(),
  durable: new Map(),
  modifiedMs,
});

const reachable = (
  from: readonly (Folder | File)[],
  entriesOf: (folder: Folder) => readonly Entries[],
): Set<Folder | File> => {
  const seen = new Set(from);
  for (const node of seen) {
    if (node.kind === 'folder') {
      for (const entries of entriesOf(node)) {
        for (const child of entries.values()) {
          seen.add(child);
        }
      }
    }
  }
  return seen;
};

/**
 * `content` with `bytes` at `offset`. What is appended goes behind the end in the same buffer where it has room: no other
 * view of the buffer sees those bytes.
 */
const overwritten = (content: Uint8Array, bytes: Uint8Array, offset: number): Uint8Array => {
  const length = Math.max(content.length, offset + bytes.length);
  const end = content.byteOffset + length;
  const fits = offset === content.length && end <= content.buffer.byteLength;
  const result = fits
    ? new Uint8Array(content.buffer, content.byteOffset, length)
    : new Uint8Array(new ArrayBuffer(content.length === 0 ? length : length * 2), 0, length);
  if (!fits) {
    result.set(content);
  }
  result.set(bytes, offset);
  return result;
};

/** `torn`: of a rename only the new name is on the disk, so that the file has both. */
const applyDurably = (change: FolderChange, torn: boolean): void => {
  for (const { folder, name, node } of torn ? change.slice(0, 1) : change) {
    setEntry(folder.durable, name, node);
  }
};

const setEntry = (entries: Map<string, Folder | File>, name: string, node: Folder | File | undefined): void => {
  if (node === undefined) {
    entries.delete(name);
  } else {
    entries.set(name, node);
  }
};

const entryIn = ({ entries }: Folder, name: string, path: string): Folder | File => {
  const node = entries.get(name);
  if (node === undefined) {
    throw systemError('ENOENT', path);
  }
  return node;
};

const entryOf = (node: Folder | File): DiskEntry => ({
  isFolder: node.kind === 'folder',
  sizeBytes: node.kind === 'file' ? node.content.length : 0,
  modifiedMs: node.modifiedMs,
});

const systemError = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
