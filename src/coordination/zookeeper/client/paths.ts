import { ZooKeeperError } from './zookeeper-error.ts';

/** What the ensemble refuses in a name: control characters, all beyond 16 bits, private use, specials. */
// oxlint-disable-next-line no-control-regex
const REFUSED = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

const problemOf = (path: string): string | undefined => {
  if (!path.startsWith('/')) {
    return 'a path begins with /';
  }
  if (path === '/') {
    return undefined;
  }
  const names = path.slice(1).split('/');
  if (names.includes('')) {
    return 'a path has no empty name and does not end with /';
  }
  if (names.some((name) => name === '.' || name === '..')) {
    return 'a path has no relative names';
  }
  return REFUSED.test(path)
    ? 'a path has no control characters and no characters beyond 16 bits or for private use'
    : undefined;
};

/** Throws BAD_ARGUMENTS. `isSequential`: the ensemble appends a number, so that the name before it may be empty. */
export const checkPath = (operation: string, path: string, isSequential = false): void => {
  const problem = problemOf(isSequential ? `${path}0` : path);
  if (problem !== undefined) {
    throw new ZooKeeperError('BAD_ARGUMENTS', operation, path, problem);
  }
};

/** `/` for what is directly below the root; undefined for the root. */
export const parentOf = (path: string): string | undefined => {
  if (path === '/') {
    return undefined;
  }
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
};

export const childOf = (path: string, name: string): string => (path === '/' ? `/${name}` : `${path}/${name}`);

export const isAtOrBelow = (path: string, ancestor: string): boolean =>
  path === ancestor || ancestor === '/' || path.startsWith(`${ancestor}/`);

/** Where the paths of a client are in the ensemble. */
export class Chroot {
  readonly #prefix: string;

  /** `''` or a path. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  onServer(path: string): string {
    return this.#prefix === '' ? path : path === '/' ? this.#prefix : this.#prefix + path;
  }

  /** What lies outside is told as the server calls it. */
  ofClient(path: string): string {
    if (this.#prefix === '' || !isAtOrBelow(path, this.#prefix)) {
      return path;
    }
    return path.length === this.#prefix.length ? '/' : path.slice(this.#prefix.length);
  }
}
