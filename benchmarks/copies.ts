import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../src/foundation/common/logger.ts';
import { systemClock } from '../src/foundation/common/system-clock.ts';
import { systemRandom } from '../src/foundation/common/system-random.ts';
import { LocalFileSystem } from '../src/foundation/filesystem/local/local-file-system.ts';
import { privateDisk } from '../src/foundation/filesystem/local/node-disk.ts';
import { createCheckpointTarget } from '../src/runtime/checkpoint/checkpoint-target.ts';
import { LocalStateDisk } from '../src/runtime/taskmanager/local-state/local-state-disk.ts';
import { SubtaskCopies } from '../src/runtime/taskmanager/local-state/subtask-copies.ts';
import { figureLine, median, percentile } from './report.ts';

/*
 * What a local copy adds to the time in which a checkpoint writes a state file: `node benchmarks/copies.ts`. The three ways
 * take turns. `TMPDIR` chooses the disk of the storage, `COPIES` the folder of the copies that are written a second time.
 */
const isShort = process.argv.includes('--short');
const root = mkdtempSync(join(tmpdir(), 'millrace-copies-'));
const fs = new LocalFileSystem();

const copiesIn = (folder: string, linkedScheme: string): SubtaskCopies => {
  const options = { disk: privateDisk, folders: [folder], linkedScheme, clock: systemClock, logger: silentLogger };
  return new SubtaskCopies(new LocalStateDisk(options), 'job', 'subtask', silentLogger);
};

const elsewhere = mkdtempSync(join(process.env['COPIES'] ?? root, 'written-'));
const ways: Readonly<Record<string, SubtaskCopies | undefined>> = {
  'no copy': undefined,
  link: copiesIn(join(root, 'linked'), 'file'),
  'second write': copiesIn(elsewhere, 'none'),
};

const write = async (checkpointId: number, parts: readonly Uint8Array[], copies: SubtaskCopies | undefined) => {
  const target = createCheckpointTarget(fs, {
    folder: join(root, 'storage'),
    checkpointId,
    kind: 'checkpoint',
    inlineThresholdBytes: 0,
    tag: 'state',
    random: systemRandom,
    copies,
  });
  const startMs = performance.now();
  await target.writeState('shared', parts, 0);
  const tookMs = performance.now() - startMs;
  await target.discard();
  return tookMs;
};

for (const megabytes of [0.1, 1, 10, 100]) {
  const parts = Array.from(
    { length: Math.max(1, megabytes * 4) },
    () => new Uint8Array(Math.min(megabytes, 0.25) * 1e6),
  );
  const times = new Map(Object.keys(ways).map((way) => [way, [] as number[]]));
  const rounds = (megabytes >= 100 ? 20 : 100) / (isShort ? 4 : 1);
  for (let round = 1; round <= rounds; round++) {
    for (const [way, copies] of Object.entries(ways)) {
      times.get(way)!.push(await write(round, parts, copies));
    }
  }
  const plain = times.get('no copy')!;
  for (const [way, values] of times) {
    // Of each round by itself: what else the machine does then concerns both.
    const ratio = median(values.map((ms, round) => ms / plain[round]!)).toFixed(2);
    figureLine(
      `state file of ${megabytes} MB, ${way}`,
      `${ratio} x  p50 ${median(values).toFixed(2)} ms, p90 ${percentile(values, 0.9).toFixed(2)} ms`,
    );
  }
}
rmSync(root, { recursive: true, force: true });
rmSync(elsewhere, { recursive: true, force: true });
