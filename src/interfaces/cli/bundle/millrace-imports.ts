import type { Plugin } from 'esbuild';
import { nearestOf } from '../../../foundation/config/nearest.ts';
import { installation } from './installation.ts';

/** Leaves imports of `millrace` to the process that runs the job, and refuses those that no installation has. */
export const millraceImports = (): Plugin => ({
  name: 'millrace-imports',
  setup: (build) => {
    build.onResolve({ filter: /^millrace(\/|$)/ }, ({ path }) => {
      const { resolve, specifiers } = installation();
      if (resolve(path) !== undefined) {
        return { path, external: true };
      }
      const nearest = nearestOf(path, specifiers);
      const hint = nearest === undefined ? `there are ${specifiers.join(', ')}` : `did you mean ${nearest}?`;
      return { errors: [{ text: `there is no module "${path}"; ${hint}` }] };
    });
  },
});
