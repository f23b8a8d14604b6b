import { existsSync, writeFileSync } from 'node:fs';
import { job } from 'millrace';
import { source, type Source, type SplitEnumerator } from 'millrace/connectors/custom';
import { trappedSink } from './trapped-connectors.ts';

const RECORDS = 1200;
const PARTS = 4;
const MIB = 1_048_576;
const kept: unknown[] = [];

/** What user code may do to the thread that it runs in. */
const DEATHS: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new TypeError('no such folder');
  },
  loop: () => {
    for (;;) {
      kept.length = 0;
    }
  },
  objects: () => {
    for (;;) {
      kept.push({ index: kept.length, text: `x${kept.length}` });
    }
  },
  buffers: () => {
    for (;;) {
      kept.push(Buffer.alloc(4 * MIB, 1));
    }
  },
  exit: () => process.exit(7),
  timer: () => {
    setTimeout(() => {
      throw new RangeError('out of a timer');
    });
  },
};

/** Numbers, in parts that are found at the start. Arguments: how, in which call, marker file (then only once), output. */
export default job('own-enumerator', (env, [how = '', where = '', marker = '', folder = '']) => {
  const trap = (call: string): void => {
    if (call === where && (marker === '' || !existsSync(marker))) {
      if (marker !== '') {
        writeFileSync(marker, how);
      }
      DEATHS[how]?.();
    }
  };
  env
    .from(trapped(numbers(), trap))
    .map((n) => `number ${n}`)
    .to(trappedSink(folder, 'none', () => {}))
    .name('out');
});

const numbers = (): Source<number> =>
  source({
    name: 'numbers',
    splits: () => {
      console.log('looking');
      return Array.from({ length: PARTS }, (_, part) => `${part}`);
    },
    read: async function* (position: number = 0, { split }) {
      const records = RECORDS / PARTS;
      for (let n = position; n < records; n++) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield [Number(split) * records + n, n + 1];
      }
    },
  });

/** The same source; each call of its enumerator comes to a trap first. */
const trapped = (inner: Source<number>, trap: (call: string) => void): Source<number> => {
  const { enumerator: factory } = inner.behavior;
  if (factory === undefined) {
    throw new Error('the source has no enumerator of its own');
  }
  const wrapped = (enumerator: SplitEnumerator): SplitEnumerator => ({
    discoverEveryMs: enumerator.discoverEveryMs,
    discover: async () => {
      trap('discover');
      return (await enumerator.discover?.()) ?? [];
    },
    discovered: (splits) => {
      trap('discovered');
      return enumerator.discovered(splits);
    },
    readerRegistered: (subtask, held) => {
      trap('readerRegistered');
      return enumerator.readerRegistered(subtask, held);
    },
    splitRequested: (subtask) => enumerator.splitRequested(subtask),
    splitsReturned: (splits) => enumerator.splitsReturned(splits),
    splitsAssigned: (splits) => enumerator.splitsAssigned(splits),
    readersEnded: (subtasks) => enumerator.readersEnded?.(subtasks),
    snapshot: () => {
      trap('snapshot');
      return enumerator.snapshot();
    },
    checkpointCompleted: () => trap('checkpointCompleted'),
    close: () => console.log('closed'),
  });
  return {
    ...inner,
    behavior: {
      ...inner.behavior,
      enumerator: {
        kind: factory.kind,
        create: (config, parallelism, state) => {
          trap('create');
          return wrapped(factory.create(config, parallelism, state));
        },
      },
    },
  };
};
