// Preloaded into the processes of a cluster and their worker threads (NODE_OPTIONS=--import=...): loads the shipped code with the changes
// of the sabotage that MILLRACE_SABOTAGE names.
import { registerHooks } from 'node:module';
import { applyTo, changesOf } from './sabotages.mjs';

const textOf = (source) => (typeof source === 'string' ? source : new TextDecoder().decode(source));

const name = process.env.MILLRACE_SABOTAGE;

if (name !== undefined && name !== '') {
  const dist = new URL('../../../dist/', import.meta.url).href;
  const changes = new Map(Map.groupBy(changesOf(name), ({ file }) => dist + file));
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const own = changes.get(url);
      return own === undefined ? loaded : { ...loaded, source: own.reduce(applyTo, textOf(loaded.source)) };
    },
  });
}
