import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { committedOutput, runKilledJob } from './killed-job.ts';

const COUNT = 10_000;
const HOUR_MS = 3_600_000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-timers-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test(
  '10,000 pending timers of both kinds fire once each after kill -9, in order of time',
  { timeout: 120_000 },
  async () => {
    // The timers of the clock are due in an hour; started again, the process finds that two hours have passed.
    const fromMs = Date.now() + HOUR_MS;
    const { kills } = await runKilledJob(
      {
        file: join(import.meta.dirname, 'jobs/timers.ts'),
        folder,
        args: [String(COUNT), String(fromMs)],
        configuration: { 'execution.checkpointing.interval': '30ms', 'restart-strategy.type': 'none' },
      },
      [undefined, { kind: 'later', aheadMs: 2 * HOUR_MS }],
    );
    expect(kills).toBe(1);
    for (const kind of ['event', 'clock']) {
      const bySubtask = [...committedOutput(join(folder, 'out', kind)).values()].map((text) =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => line.split(' ').map(Number)),
      );
      for (const fired of bySubtask) {
        const times = fired.map(([time]) => time!);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }
      const keys = bySubtask.flat().map(([, key]) => key!);
      expect(keys.toSorted((a, b) => a - b)).toEqual(Array.from({ length: COUNT }, (_, n) => n));
    }
  },
);
