import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { SABOTAGES } from '../sabotage/sabotages.mjs';
import { StartedCluster } from '../started-cluster.ts';

const REGISTER = pathToFileURL(join(import.meta.dirname, '../sabotage/register.mjs')).href;

interface Attempt {
  /** What the drill has to find, perhaps among other things. */
  readonly finds: string;
  readonly drill: readonly string[];
  readonly configuration?: Readonly<Record<string, string>>;
}

const killed = (whom: string, rounds: number, checkpoints = '500ms'): readonly string[] => [
  ...['--kill', whom, '--rounds', String(rounds), '--every', '1s', '--checkpoint-interval', checkpoints],
];

/** More rounds than one where the rule counts at some moments only. */
const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  'no-fencing': {
    finds: 'two-leaders',
    drill: ['--action', 'pause', '--pause-for', '5s', '--timeout', '10s', ...killed('leader', 1)],
    configuration: { 'high-availability.embedded.lease-duration': '2 s' },
  },
  'commit-before-pointer': { finds: 'doubled', drill: killed('taskmanager', 3, '1400ms') },
  'split-twice': { finds: 'doubled', drill: killed('leader', 3) },
  'barrier-skipped': { finds: 'lost', drill: killed('taskmanager', 1) },
  'restart-on-takeover': { finds: 'restarted', drill: killed('leader', 1) },
  'commit-repeated': { finds: 'doubled', drill: killed('taskmanager', 1) },
  'older-checkpoint': { finds: 'doubled', drill: killed('taskmanager', 2) },
  'abort-listed': { finds: 'lost', drill: killed('taskmanager', 3, '1400ms') },
  'terminal-forgotten': { finds: 'restarted', drill: killed('leader', 1) },
  'ids-reused': { finds: 'checkpoint-id', drill: ['--timeout', '15s', ...killed('leader', 1)] },
};

interface Report {
  readonly verdict: string;
  readonly seed: number;
  readonly findings: readonly { readonly kind: string; readonly text: string }[];
}

let cluster: StartedCluster | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const drill = async (sabotage: string, args: readonly string[], configuration: Attempt['configuration'] = {}) => {
  cluster = await StartedCluster.start({
    jobManagers: 2,
    taskManagers: 2,
    configuration: { 'taskmanager.numberOfTaskSlots': '2', ...configuration },
    env: { MILLRACE_SABOTAGE: sabotage, NODE_OPTIONS: `--import=${REGISTER}` },
  });
  const { code, stdout, stderr } = await cluster.run('drill', ...args, '--json');
  expect(stdout, `the drill ended with ${code}:\n${stderr}`).toMatch(/^\{/);
  return { code, stderr, report: JSON.parse(stdout) as Report };
};

test.for(Object.keys(SABOTAGES))('%s turns a drill red', async (sabotage) => {
  const { finds, drill: args, configuration } = ATTEMPTS[sabotage]!;
  const { code, stderr, report } = await drill(sabotage, args, configuration);
  const found = report.findings.map(({ kind }) => kind);
  expect(found, `${JSON.stringify(report)}\n${stderr}`).toContain(finds);
  expect([code, report.verdict]).toEqual([1, 'red']);
});

test('what only makes the moments likely in which a broken rule counts leaves it green, and another cluster alone', async () => {
  const other = await StartedCluster.start({ jobManagers: 1, taskManagers: 1 });
  try {
    const before = await other.processes();
    // The seed draws the leader, then a TaskManager.
    const { code, stderr, report } = await drill('slow', ['--seed', '1', ...killed('random', 2)]);
    expect([code, report.findings], `it said:\n${stderr}`).toEqual([0, []]);
    expect(before.length).toBe(2);
    expect(await other.processes()).toEqual(before);
  } finally {
    await other.close();
  }
});
