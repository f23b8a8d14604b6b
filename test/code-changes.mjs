// Loads modules with changes of their text, for processes that run broken on purpose. A change is a text of a file that is there
// exactly once, and what stands in its place: the code itself knows nothing of it, so that none can be shipped.
import { registerHooks } from 'node:module';

/** From here on modules below `base` (a URL that ends with a slash) are loaded with these changes. */
export const loadChanged = (base, changes) => {
  const byUrl = Map.groupBy(changes, ({ file }) => base + file);
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const own = byUrl.get(url);
      return own === undefined ? loaded : { ...loaded, source: own.reduce(applyTo, textOf(loaded.source)) };
    },
  });
};

/** Throws where the code is not what the change was written for. */
export const applyTo = (source, { file, find, put }) => {
  const parts = source.split(find);
  if (parts.length !== 2) {
    throw new Error(`the change of ${file} finds its text ${parts.length - 1} times: ${find}`);
  }
  return parts.join(put);
};

const textOf = (source) => (typeof source === 'string' ? source : new TextDecoder().decode(source));
