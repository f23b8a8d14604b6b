import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { committedOutput, runKilledJob } from './killed-job.ts';

const COUNT = 10_000;

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
    // The process kills itself before, on any machine that is not very slow; started again, it finds all of them late.
    const fromMs = Date.now() + 2_500;
    let killed = 0;
    await runKilledJob(
      {
        file: join(import.meta.dirname, 'jobs/timers.ts'),
        folder,
        args: [String(COUNT), String(fromMs)],
        configuration: { 'execution.checkpointing.interval': '30ms', 'restart-strategy.type': 'none' },
      },
      [],
      async () => {
        killed++;
        await clockReaches(fromMs + 1_000);
      },
    );
    expect(killed).toBe(1);
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

const clockReaches = async (timeMs: number): Promise<void> => {
  while (Date.now() < timeMs) {
    await sleep(timeMs - Date.now());
  }
};
