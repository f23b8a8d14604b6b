import { ManualClock } from '../../../testing/manual-clock.ts';
import { OperatorHarness, type HarnessOptions, type HarnessOutput } from '../../../testing/operator-harness.ts';
import type { DataStream, SingleOutputStreamOperator } from '../../api/data-stream.ts';

export type Step<In, Out> = (harness: OperatorHarness<In, Out>) => void | Promise<void>;

export interface Runs<Out> {
  /** The output of the run without a restore. */
  readonly whole: readonly HarnessOutput<Out>[];
  /** For each cut: what came out before it, and out of the restored operator after it. */
  readonly restored: readonly (readonly HarnessOutput<Out>[])[];
}

/**
 * Runs the steps once without a break, and once for each place where a snapshot and a restore may come between two of
 * them. The snapshot is written late, when the old operator has gone on: what it must not see has happened by then.
 */
export const restoredRuns = async <In, Out>(
  draw: (input: DataStream<In>) => SingleOutputStreamOperator<Out>,
  steps: readonly Step<In, Out>[],
  options: HarnessOptions = {},
): Promise<Runs<Out>> => {
  const run = async (harness: OperatorHarness<In, Out>, some: readonly Step<In, Out>[]): Promise<void> => {
    for (const step of some) {
      await step(harness);
    }
  };
  const whole = await OperatorHarness.open<In, Out>(draw, options);
  await run(whole, steps);
  const restored: (readonly HarnessOutput<Out>[])[] = [];
  for (let cut = 0; cut <= steps.length; cut++) {
    const before = await OperatorHarness.open<In, Out>(draw, { ...options, clock: new ManualClock() });
    await run(before, steps.slice(0, cut));
    const emitted = [...before.events];
    const clock = new ManualClock(before.clock.now());
    const write = await before.markSnapshot();
    await run(before, steps.slice(cut));
    const after = await OperatorHarness.open<In, Out>(draw, { ...options, clock, restore: [await write()] });
    await run(after, steps.slice(cut));
    restored.push([...emitted, ...after.events]);
  }
  return { whole: whole.events, restored };
};
