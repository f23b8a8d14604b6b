import { existsSync } from 'node:fs';
import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';
import { sink } from 'millrace/connectors/custom';

const RECORDS = 1000;
const STALLING_RECORD = 300;

/** A sink that stands still at one record until a file is there. Arguments: that file. */
export default job('stalling', (env, [go = '']) => {
  env
    .from(sequence({ to: RECORDS - 1, rate: 4000 }))
    .keyBy((n) => n % 10)
    .process<number>((n, context, out) => {
      const state = context.state.value<number>('sum');
      const sum = (state.value() ?? 0) + n;
      state.update(sum);
      out.collect(sum);
    })
    .to(
      sink<number>({
        name: 'stalling',
        create: () => {
          let written = 0;
          return {
            write: () => {
              written++;
              return written === STALLING_RECORD
                ? new Promise<void>((resolve) => {
                    const timer = setInterval(() => {
                      if (existsSync(go)) {
                        clearInterval(timer);
                        resolve();
                      }
                    }, 5);
                  })
                : undefined;
            },
          };
        },
      }),
    );
});
