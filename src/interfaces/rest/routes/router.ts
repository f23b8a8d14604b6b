import { RestError } from '../rest-error.ts';
import type { Route } from './route.ts';

export interface RouteMatch {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

const VERSION_PREFIX = '/v1';

/** Finds the route of a path; each is there with and without `/v1` before it. */
export class Router {
  readonly #routes: readonly { readonly parts: readonly string[]; readonly route: Route }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ parts: partsOf(route.path), route }));
  }

  /** Errors: 404 for an unknown path, 405 for a method that it has not, 400 for what cannot be decoded. */
  match(method: string, pathname: string): RouteMatch {
    const parts = partsOf(pathname.startsWith(`${VERSION_PREFIX}/`) ? pathname.slice(VERSION_PREFIX.length) : pathname);
    const fitting = this.#routes.flatMap(({ parts: pattern, route }) => {
      const parameters = parametersOf(pattern, parts);
      return parameters === undefined ? [] : [{ route, parameters }];
    });
    const found = fitting.find(({ route }) => route.method === method);
    if (found !== undefined) {
      return found;
    }
    if (fitting.length > 0) {
      const allowed = fitting.map(({ route }) => route.method).join(', ');
      throw new RestError(405, `${method} is not allowed for ${pathname.slice(0, 200)}; allowed: ${allowed}`);
    }
    throw new RestError(404, `not found: ${pathname.slice(0, 200)}`);
  }
}

const partsOf = (path: string): readonly string[] => path.split('/').filter((part) => part !== '');

const parametersOf = (
  pattern: readonly string[],
  parts: readonly string[],
): Readonly<Record<string, string>> | undefined => {
  if (pattern.length !== parts.length) {
    return undefined;
  }
  const parameters: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (expected.startsWith(':')) {
      parameters[expected.slice(1)] = decoded(part);
    } else if (expected !== part) {
      return undefined;
    }
  }
  return parameters;
};

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new RestError(400, `the path has a part that cannot be decoded: ${part.slice(0, 100)}`);
  }
};
