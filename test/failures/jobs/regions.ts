import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { job } from 'millrace';
import { sequence } from 'millrace/connectors/generator';

const RECORDS = 600;
const FAILING_RECORD = 300;

/**
 * Two pipelines that have nothing to do with each other; the first fails once. Each line of the log is one `open` of an
 * operator in a subtask. Arguments: log file, marker file.
 */
export default job('regions', (env, [log = '', marker = '']) => {
  const pipeline = (name: string, fails: boolean): void => {
    env
      .from(sequence({ to: RECORDS - 1, rate: 1500, name: `${name} source` }))
      .rebalance()
      .map({
        open: ({ subtask }) => appendFileSync(log, `${name} ${subtask}\n`),
        map: (n: number) => {
          if (fails && n === FAILING_RECORD && !existsSync(marker)) {
            writeFileSync(marker, '');
            throw new Error('boom');
          }
          return n;
        },
      })
      .collect(name);
  };
  pipeline('failing', true);
  pipeline('healthy', false);
});
