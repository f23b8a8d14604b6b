import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '../../foundation/common/logger.ts';
import { ClusterFolder, type ProcessRecord } from './cluster-folder.ts';
import { FIRST_BACKOFF_MS, LONGEST_BACKOFF_MS, SETTLED_MS, Supervisor } from './supervisor.ts';

test('the pause before a start doubles with each death, up to a limit, and is short again after a quiet time', async () => {
  const path = await mkdtemp(join(tmpdir(), 'millrace-supervisor-'));
  try {
    const folder = new ClusterFolder(path);
    // No process has this number.
    const dead: ProcessRecord = {
      name: 'taskmanager-1',
      kind: 'taskmanager',
      pid: 2 ** 31 - 1,
      identity: '0',
      args: [],
      restarts: 0,
      log: '',
    };
    await folder.write(dead);
    let nowMs = 0;
    const startedAtMs: number[] = [];
    const supervisor = new Supervisor({
      folder,
      clock: { now: () => nowMs, monotonic: () => nowMs, after: () => ({ cancel: () => {} }) },
      logger: silentLogger,
      startAgain: async (record) => {
        startedAtMs.push(nowMs);
        await folder.write({ ...record, restarts: record.restarts + 1, identity: String(startedAtMs.length) });
      },
    });
    const lookUntil = async (starts: number): Promise<void> => {
      while (startedAtMs.length < starts) {
        await supervisor.look();
        nowMs += 100;
      }
    };
    await lookUntil(9);
    const pauses = startedAtMs.map((atMs, index) => atMs - (startedAtMs[index - 1] ?? 0));
    const expected = Array.from({ length: 9 }, (_, index) =>
      Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** index),
    );
    // It looks ten times a second.
    pauses.forEach((pauseMs, index) => expect(Math.abs(pauseMs - expected[index]!)).toBeLessThanOrEqual(200));

    nowMs += SETTLED_MS;
    const diedAtMs = nowMs;
    await lookUntil(10);
    expect(startedAtMs[9]! - diedAtMs).toBeLessThanOrEqual(FIRST_BACKOFF_MS + 100);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
});
