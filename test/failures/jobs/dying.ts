import { existsSync, writeFileSync } from 'node:fs';
import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';
import { trappedSink } from './trapped-connectors.ts';

const RECORDS = 1000;
const FAILING_RECORD = 600;
/** For what is noticed after a while: a minute of them. */
const MANY_RECORDS = 120_000;
/** More is not kept: on a busy machine it may take long until it is noticed. */
const KEPT_MAX = 400;
const MIB = 1_048_576;

/** Outlives the tasks of its thread. */
const kept: unknown[] = [];

/** What takes a thread down. Each would go on for ever. */
const DEATHS: Readonly<Record<string, () => void>> = {
  'array of objects': () => {
    for (;;) {
      kept.push({ index: kept.length, text: `x${kept.length}` });
    }
  },
  'array of numbers': () => {
    const numbers: number[] = [];
    for (;;) {
      numbers.push(numbers.length * 1.5);
    }
  },
  map: () => {
    const map = new Map<string, number>();
    for (;;) {
      map.set(`key${map.size}`, map.size);
    }
  },
  strings: () => {
    for (;;) {
      kept.push('abcdefghij'.repeat(1000).split(''));
    }
  },
  closures: () => {
    for (;;) {
      const value = kept.length;
      kept.push(() => value);
    }
  },
  buffers: () => {
    for (;;) {
      kept.push(Buffer.alloc(4 * MIB, 1));
    }
  },
  'small typed arrays': () => {
    for (;;) {
      kept.push(new Float64Array(1024).fill(1));
    }
  },
  exit: () => process.exit(7),
  loop: () => {
    for (;;) {
      kept.length = 0;
    }
  },
};

/** Counts by key; one record is the death of its thread. Arguments: how, marker file (then only once), output folder. */
export default job('dying', (env, [how = '', marker = '', folder = '']) => {
  const records = how === 'slow buffers' ? MANY_RECORDS : RECORDS;
  env
    .from(sequence({ to: records - 1, rate: 2000 }))
    .rebalance()
    .map((n) => {
      const isDue = marker === '' || !existsSync(marker);
      if (how === 'slow buffers' && n >= FAILING_RECORD && isDue) {
        if (kept.length < KEPT_MAX) {
          kept.push(Buffer.alloc(MIB, 1));
        }
      } else if (n === FAILING_RECORD && isDue) {
        if (marker !== '') {
          writeFileSync(marker, how);
        }
        DEATHS[how]?.();
      }
      return n;
    })
    .keyBy((n) => n % 10)
    .process<string>({
      process: (n, context, out) => {
        const state = context.state.value<number>('count');
        const count = (state.value() ?? 0) + 1;
        state.update(count);
        out.collect(`${n} is number ${count} of its key`);
      },
    })
    .to(trappedSink(folder, 'none', () => {}))
    .name('out');
});
