import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { job, type Source } from 'millrace';
import { source } from 'millrace/connectors/custom';

const RECORDS = 600;
const FAILING_RECORD = 300;
/** Here the sources wait until the gate is open: whoever tests decides when the job ends. */
const HELD_RECORD = 400;
const SPLITS = 2;
const LOOK_MS = 5;

const opened = async (gate: string, signal: AbortSignal): Promise<void> => {
  while (!existsSync(gate)) {
    await pause(LOOK_MS, undefined, { signal });
  }
};

const gatedNumbers = (name: string, gate: string): Source<number> =>
  source({
    name: `${name} source`,
    bounded: true,
    splits: Array.from({ length: SPLITS }, (_, index) => String(index)),
    read: async function* (position: number | undefined, { split, signal }) {
      for (let value = position ?? Number(split); value < RECORDS; value += SPLITS) {
        if (value >= HELD_RECORD) {
          await opened(gate, signal);
        }
        yield [value, value + SPLITS] as const;
      }
    },
  });

/**
 * Two pipelines that have nothing to do with each other; the first fails once. Each line of the log is one `open` of an
 * operator in a subtask. Arguments: log file, marker file, the file that opens the gate.
 */
export default job('regions', (env, [log = '', marker = '', gate = '']) => {
  const pipeline = (name: string, fails: boolean): void => {
    env
      .from(gatedNumbers(name, gate))
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
