const MAGIC = /[*?[{]/;

export interface Glob {
  /** What comes before the first part with a wildcard. */
  readonly folder: string;
  /** How many folders deep a match can be; `Infinity` with `**`. */
  readonly depth: number;
  /** Takes a path relative to `folder`. */
  matches(relative: string): boolean;
  /** Whether names that start with this character, otherwise hidden, are asked for. */
  asksFor(first: string): boolean;
}

/** `*`, `?`, `[abc]`, `{a,b}` within a part of a path, `**` for any number of folders; `undefined` without a wildcard. */
export const parseGlob = (pattern: string): Glob | undefined => {
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => MAGIC.test(part));
  if (first < 0) {
    return undefined;
  }
  const wild = parts.slice(first);
  const depth = wild.includes('**') ? Infinity : wild.length - 1;
  const regex = new RegExp(`^${wild.map(partPattern).join('')}$`);
  const folder = parts.slice(0, first).join('/');
  return {
    folder: folder === '' ? (pattern.startsWith('/') ? '/' : '.') : folder,
    depth,
    matches: (relative) => regex.test(relative),
    asksFor: (character) => wild.some((part) => part.startsWith(character)),
  };
};

const partPattern = (part: string, index: number, all: readonly string[]): string => {
  const isLast = index === all.length - 1;
  if (part === '**') {
    return isLast ? '.*' : '(?:[^/]+/)*';
  }
  return segmentPattern(part) + (isLast ? '' : '/');
};

const segmentPattern = (segment: string): string => {
  let pattern = '';
  let inBraces = false;
  for (let i = 0; i < segment.length; i++) {
    const character = segment[i]!;
    const closing = character === '[' ? segment.indexOf(']', i + 2) : -1;
    if (closing > 0) {
      const set = segment
        .slice(i + 1, closing)
        .replace(/^!/, '^')
        .replaceAll('\\', '\\\\');
      pattern += `[${set}]`;
      i = closing;
    } else if (character === '{' && segment.includes('}', i)) {
      pattern += '(?:';
      inBraces = true;
    } else if (character === '}' && inBraces) {
      pattern += ')';
      inBraces = false;
    } else if (character === ',' && inBraces) {
      pattern += '|';
    } else if (character === '*') {
      pattern += '[^/]*';
    } else {
      pattern += character === '?' ? '[^/]' : character.replace(/[\\^$.|+()[\]{}]/, '\\$&');
    }
  }
  return pattern;
};
