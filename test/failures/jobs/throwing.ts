import { existsSync, writeFileSync } from 'node:fs';
import { job, WatermarkStrategy } from 'millrace';
import { sequence } from 'millrace/connectors/generator';
import { trappedSink, trappedSource } from './trapped-connectors.ts';

const RECORDS = 1000;
const FAILING_RECORD = 600;

const KINDS: Readonly<Record<string, () => unknown>> = {
  error: () => new Error('boom'),
  string: () => 'boom',
  null: () => null,
  object: () => ({ code: 42 }),
};

/**
 * A job that throws in one place: once if it gets a marker file, else always. Arguments: place, kind of what is thrown,
 * marker file, number of records a second, folder of the output.
 */
export default job('throwing', (env, [place = '', kind = 'error', marker = '', rate = '2000', folder = '']) => {
  const isDue = (here: string): boolean => {
    if (here !== place || (marker !== '' && existsSync(marker))) {
      return false;
    }
    if (marker !== '') {
      writeFileSync(marker, place);
    }
    return true;
  };
  const trap = (here: string): void => {
    if (isDue(here)) {
      throw KINDS[kind]!();
    }
  };
  const trapAt = (here: string, n: number): void => {
    if (n === FAILING_RECORD) {
      trap(here);
    }
  };

  const numbers = env
    .from(trappedSource(sequence({ to: RECORDS - 1, rate: Number(rate) }), trap, isDue))
    .assignTimestampsAndWatermarks(
      WatermarkStrategy.forMonotonousTimestamps<number>().withTimestampAssigner((n) => {
        trapAt('timestamps', n);
        return n;
      }),
    )
    .map((n) => {
      trapAt('map', n);
      if (n === FAILING_RECORD && isDue('timeout')) {
        setTimeout(() => {
          throw KINDS[kind]!();
        }, 5);
      }
      if (n === FAILING_RECORD && isDue('rejection')) {
        void Promise.resolve().then(() => {
          throw KINDS[kind]!();
        });
      }
      if (n === FAILING_RECORD && isDue('exit')) {
        process.exit(7);
      }
      return n;
    })
    .name('double check')
    .filter((n) => {
      trapAt('filter', n);
      return true;
    })
    .flatMap((n) => {
      trapAt('flatMap', n);
      return [n];
    })
    .partitionCustom(
      (n: number, channels) => {
        trapAt('partition', n);
        return n % channels;
      },
      (n) => n,
    )
    .map((n) => n)
    .name('routed')
    .keyBy((n) => {
      trapAt('key', n);
      return n % 10;
    })
    .process<string>({
      open: () => trap('function open'),
      process: (n, context, out) => {
        trapAt('process', n);
        const state = context.state.value<number>('count');
        const count = (state.value() ?? 0) + 1;
        state.update(count);
        out.collect(`${n} is number ${count} of its key`);
        context.timers.registerEventTime(n);
        context.timers.registerProcessingTime(context.currentProcessingTime + 1);
      },
      onTimer: (time, context) => {
        if (context.timeDomain === 'event') {
          trapAt('event timer', time);
        } else {
          trap('processing timer');
        }
      },
      snapshot: () => trap('function snapshot'),
      close: () => trap('function close'),
    })
    .name('count')
    .uid('count');
  numbers
    .asyncMap(
      (row) => {
        const isFailing = row.startsWith(`${FAILING_RECORD} `);
        if (isFailing) {
          trap('async call');
        }
        return new Promise<string>((resolve, reject) => {
          setTimeout(() => {
            if (isFailing && isDue('async rejection')) {
              // eslint-disable-next-line prefer-promise-reject-errors -- it has to be anything
              reject(KINDS[kind]!());
            } else {
              resolve(row);
            }
          }, 1);
        });
      },
      { capacity: 16 },
    )
    .to(trappedSink(folder, `${FAILING_RECORD} `, trap))
    .name('out');
});
