import { test, type ExpectStatic, type OnTestFinishedHandler } from 'vitest';
import { ATTEMPTS, GREEN_ATTEMPT, startSabotaged, type Attempt } from '../sabotage/attempts.ts';
import { SABOTAGES } from '../sabotage/sabotages.mjs';
import { StartedCluster } from '../started-cluster.ts';

interface Report {
  readonly verdict: string;
  readonly seed: number;
  readonly findings: readonly { readonly kind: string; readonly text: string }[];
}

/** Of the test, which is not the only one that runs. */
interface TestParts {
  readonly expect: ExpectStatic;
  readonly onTestFinished: (ended: OnTestFinishedHandler) => void;
}

const drill = async (sabotage: string, attempt: Attempt, { expect, onTestFinished }: TestParts) => {
  const cluster = await startSabotaged(sabotage, attempt);
  onTestFinished(() => cluster.close());
  const { code, stdout, stderr } = await cluster.run('drill', ...attempt.drill, '--json');
  expect(stdout, `the drill ended with ${code}:\n${stderr}`).toMatch(/^\{/);
  return { code, stderr, report: JSON.parse(stdout) as Report };
};

/** One for each thing that a drill can find; `npm run prove` plays all of them. */
const ONE_OF_EACH_FINDING = [...new Map(Object.entries(ATTEMPTS).map(([name, { finds }]) => [finds, name])).values()];

test('every sabotage has its drill', ({ expect }) => {
  expect(Object.keys(ATTEMPTS).toSorted()).toEqual(Object.keys(SABOTAGES).toSorted());
});

// Drills wait now and then: two of them run beside each other.
test.concurrent.for(ONE_OF_EACH_FINDING)('%s turns a drill red', async (sabotage, { expect, onTestFinished }) => {
  const attempt = ATTEMPTS[sabotage]!;
  const { code, stderr, report } = await drill(sabotage, attempt, { expect, onTestFinished });
  const found = report.findings.map(({ kind }) => kind);
  expect(found, `${JSON.stringify(report)}\n${stderr}`).toContain(attempt.finds);
  expect([code, report.verdict]).toEqual([1, 'red']);
});

test.concurrent('what only makes the moments likely in which a broken rule counts leaves it green, and another cluster alone', async ({
  expect,
  onTestFinished,
}) => {
  const other = await StartedCluster.start({ jobManagers: 1, taskManagers: 1 });
  try {
    const before = await other.processes();
    const { code, stderr, report } = await drill('slow', GREEN_ATTEMPT, { expect, onTestFinished });
    expect([code, report.findings], `it said:\n${stderr}`).toEqual([0, []]);
    expect(before.length).toBe(2);
    expect(await other.processes()).toEqual(before);
  } finally {
    await other.close();
  }
});
