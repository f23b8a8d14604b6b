import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { sequence } from 'millrace/connectors/generator';

const MIB = 1_048_576;
const kept: unknown[] = [];

const MISDEEDS: Readonly<Record<string, (folder: string) => void>> = {
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
  'uncaught error': () => {
    setTimeout(() => {
      throw new Error('out of a timer');
    });
  },
  loop: () => {
    for (;;) {
      kept.length = 0;
    }
  },
  timer: (folder) => {
    setInterval(() => appendFileSync(`${folder}/ticks`, '.'), 5);
  },
};

/** Numbers values by ten keys, and once, half-way, does what it should not. Arguments: what, its folder, how many values. */
export default job('misbehaving', (env, [what = '', folder = '.', count = '400']) => {
  env.enableCheckpointing({ interval: '100ms', mode: 'exactly-once' });
  env
    .from(sequence({ to: Number(count) - 1, rate: 400 }))
    .uid('numbers')
    .map((value) => {
      const marker = `${folder}/done`;
      if (value === Number(count) / 2 && !existsSync(marker)) {
        writeFileSync(marker, what);
        MISDEEDS[what]?.(folder);
      }
      return value;
    })
    .keyBy((value) => String(value % 10))
    .process<string>({
      process: (value, context, out) => {
        const state = context.state.value<number>('count');
        const next = (state.value() ?? 0) + 1;
        state.update(next);
        out.collect(`${context.currentKey} ${next} ${value}`);
      },
    })
    .uid('numbering')
    .to(fileSink({ path: `${folder}/out` }))
    .uid('out');
});
