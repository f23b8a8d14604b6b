import { expect, test } from 'vitest';
import { folderWith, millrace } from './millrace-process.ts';

const JOB = `import { setTimeout as sleep } from 'node:timers/promises';
import { job, TumblingEventTimeWindows, WatermarkStrategy } from 'millrace';
import { source } from 'millrace/connectors/custom';

// One subtask, so that the window and the source share a thread.
let fired = false;

const ticks = source({
  name: 'ticks',
  bounded: true,
  maxReadAhead: 1,
  read: async function* () {
    yield [500, 1];
    yield [5000, 2];
    while (!fired) {
      await sleep(2);
    }
    yield [100, 3];
    yield [200, 4];
    yield [5100, 5];
  },
});

export default job('the-job', (env) => {
  env.from(ticks)
    .assignTimestampsAndWatermarks(WatermarkStrategy.forMonotonousTimestamps(), (time) => time)
    .windowAll(TumblingEventTimeWindows.of(1000))
    .process(({ start }, times) => {
      fired = true;
      return [\`\${start}: \${times.join(' ')}\`];
    })
    .print();
});
`;

test('records that are dropped because they are late are counted where the run says how it went', async () => {
  const cwd = await folderWith({ 'job.ts': JOB });
  const args = ['run', '--no-check', '-p', '1', '-D', 'pipeline.auto-watermark-interval=5ms', 'job.ts'];
  const { code, stdout, stderr } = await millrace(args, { cwd });
  expect([code, stdout]).toEqual([0, '0: 500\n5000: 5000 5100\n']);
  expect(stderr).toMatch(/^Job the-job \(\w+\) finished after [\d.]+ s \(numLateRecordsDropped 2\)$/m);
});
