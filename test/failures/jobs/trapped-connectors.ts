import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sink, Source } from 'millrace';
import { sink } from 'millrace/connectors/custom';

export type Trap = (place: string) => void;

/** The same source, with traps in its reader. */
export const trappedSource = <T>(inner: Source<T>, trap: Trap, isDue: (place: string) => boolean): Source<T> => ({
  ...inner,
  behavior: {
    createReader: (context) => {
      trap('reader create');
      const reader = inner.behavior.createReader(context);
      let reads = 0;
      let hasEnded = false;
      let hasSnapshot = false;
      return {
        open: () => {
          trap('reader open');
          return reader.open();
        },
        addSplits: (splits) => {
          trap('reader splits');
          reader.addSplits(splits);
        },
        noMoreSplits: () => reader.noMoreSplits(),
        read: (output, limit) => {
          reads++;
          if (reads === 2) {
            trap('reader read');
            if (isDue('reader fail')) {
              context.fail(new Error('boom'));
            }
          }
          const status = hasEnded ? 'end' : reader.read(output, limit);
          hasEnded = status === 'end';
          // A source that has ended is asked for no snapshot: however slow the checkpoints are, there is one before.
          return hasEnded && !hasSnapshot ? { waitMs: 2 } : status;
        },
        snapshot: () => {
          // At the first one: how many there are depends on the machine.
          trap('reader snapshot');
          hasSnapshot = true;
          return reader.snapshot();
        },
        checkpointCompleted: () => trap('reader completed'),
        close: () => {
          trap('reader close');
          return reader.close();
        },
      };
    },
  },
});

/** Writes lines into `folder`, a file for each transaction: `<name>.prepared`, renamed to `<name>.committed`. */
export const trappedSink = (folder: string, failingStart: string, trap: Trap): Sink<string> =>
  sink<string, string>({
    name: 'out',
    create: () => {
      trap('sink create');
      mkdirSync(folder, { recursive: true });
      let lines: string[] = [];
      return {
        write: (line) => {
          if (line.startsWith(failingStart)) {
            trap('sink write');
          }
          lines.push(line);
          return line.startsWith(failingStart) ? Promise.resolve().then(() => trap('sink async write')) : undefined;
        },
        prepare: (name) => {
          // At the first one: how many there are depends on the machine.
          trap('sink prepare');
          if (lines.length === 0) {
            return undefined;
          }
          writeFileSync(join(folder, `${name}.prepared`), lines.map((line) => `${line}\n`).join(''));
          lines = [];
          return Promise.resolve(name).then((prepared) => {
            trap('sink async prepare');
            return prepared;
          });
        },
        commit: ({ value }) => {
          trap('sink commit');
          const prepared = join(folder, `${value}.prepared`);
          if (existsSync(prepared)) {
            renameSync(prepared, join(folder, `${value}.committed`));
          }
        },
        abort: (scope) => {
          trap('sink abort');
          for (const file of readdirSync(folder)) {
            if (file.endsWith('.prepared') && scope.covers(file.slice(0, -'.prepared'.length))) {
              rmSync(join(folder, file));
            }
          }
        },
        close: () => trap('sink close'),
      };
    },
  });
