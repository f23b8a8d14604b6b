/**
 * Processes of a cluster killed and paused under load: `node benchmarks/failover.ts [--short] [--minutes N] [--kills N] [--keep]
 * [--zookeeper MS] [--csv FILE] [--add] [kind ...]`. Linux only. Raw times go to the CSV file, the figures to a Markdown file beside it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FailoverCluster, TimeIsOver } from './failover/cluster.ts';
import { Results } from './failover/results.ts';
import { KINDS, Rounds, type Kind } from './failover/rounds.ts';
import { minutesText, scheduleOf, type Counts } from './failover/schedule.ts';
import { SETTINGS, TASK_MANAGERS, type Setting } from './failover/settings.ts';
import { Stamps } from './failover/stamps.ts';
import { embeddedStore, zooKeeperStore } from './failover/store.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    kills: { type: 'string' },
    keep: { type: 'boolean', default: false },
    add: { type: 'boolean', default: false },
    zookeeper: { type: 'string' },
    csv: { type: 'string' },
  },
});

const refuse = (message: string): never => {
  process.stderr.write(`bench:failover: ${message}\n`);
  process.exit(2);
};

const numberOf = (name: string, text: string): number =>
  /^\d+(\.\d+)?$/.test(text) && Number(text) > 0 ? Number(text) : refuse(`--${name} ${text}: give a number above 0`);

const unknown = positionals.find((name) => !KINDS.includes(name as Kind));
if (unknown !== undefined) {
  refuse(`there is no kind ${unknown}; there are ${KINDS.join(', ')}`);
}
if (values.zookeeper === undefined && positionals.includes('store-leader-killed')) {
  refuse('store-leader-killed needs --zookeeper MS');
}
if (process.platform !== 'linux') {
  refuse('it reads /proc, which is on Linux only');
}

const SHORT_MINUTES = '1';
const minutes = values.minutes ?? (values.short ? SHORT_MINUTES : undefined);
const limitMs = minutes === undefined ? Infinity : numberOf('minutes', minutes) * 60_000;
/** What it takes to end all processes. */
const CLOSING_MS = 1_000;

/** Of 300 kills of the leader; of the others there are fewer. */
const kills = numberOf('kills', values.kills ?? (values.short ? '2' : '300'));
const SHARES: Readonly<Record<Kind, number>> = {
  'leader-killed': 1,
  'taskmanager-killed': 1 / 3,
  'leader-paused': 1 / 3,
  'taskmanager-paused': 1 / 3,
  'store-leader-killed': 1 / 3,
  'many-jobs': 1 / 10,
};
/** Of a measurement that has a limit, the part that is left for the setting with many jobs. */
const LAST_PART = 0.3;

const countOf = (kind: Kind): number => {
  if (kind === 'store-leader-killed' && values.zookeeper === undefined) {
    return 0;
  }
  const isChosen = positionals.length === 0 ? !(values.short && kind === 'many-jobs') : positionals.includes(kind);
  return isChosen ? Math.max(1, Math.round(kills * SHARES[kind])) : 0;
};
const counts = Object.fromEntries(KINDS.map((kind) => [kind, countOf(kind)])) as Record<Kind, number>;

const store =
  values.zookeeper === undefined
    ? embeddedStore
    : await zooKeeperStore(numberOf('zookeeper', values.zookeeper)).catch((thrown: Error) => refuse(thrown.message));
/** Each store has a file of its own. */
const csv =
  values.csv ??
  join(
    import.meta.dirname,
    'results',
    values.zookeeper === undefined ? 'failover.csv' : `failover-zookeeper-${values.zookeeper}.csv`,
  );

const beganMs = performance.now();
const opened = (): Results => {
  try {
    return new Results(csv, counts, values.add, store);
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
};
const results = opened();

const elapsed = (): string => {
  const limit = limitMs === Infinity ? '' : ` of ${minutesText(limitMs)}`;
  return `${minutesText(performance.now() - beganMs)}${limit}`;
};

/** What is left to measure. */
const countsOf = ({ kinds }: Setting): Counts =>
  Object.fromEntries(kinds.map((kind) => [kind, Math.max(0, counts[kind] - results.timesOf(kind))]));

let current: FailoverCluster | undefined;
/** What it has started ends with it. */
const interrupted = async (): Promise<void> => {
  await current?.close(false);
  await store.stop();
  results.finish(performance.now() - beganMs);
  process.exit(130);
};
process.once('SIGINT', () => void interrupted());
process.once('SIGTERM', () => void interrupted());

const measure = async (setting: Setting, untilMs: number): Promise<void> => {
  const { slots, jobs, hasProbe, start, startMs } = setting;
  const schedule = scheduleOf(countsOf(setting));
  if (schedule.length === 0 || performance.now() + startMs > untilMs) {
    return;
  }
  process.stdout.write(`[${elapsed()}] starting ${jobs} jobs\n`);
  const cluster = new FailoverCluster({ jobManagers: 3, taskManagers: TASK_MANAGERS, slots, endsMs: untilMs, store });
  current = cluster;
  let keeps = true;
  try {
    const common = { taskManagers: TASK_MANAGERS, isShort: values.short, store };
    await new Rounds(cluster, { ...common, jobs: 0 }).settle();
    await start(cluster);
    const stamps = hasProbe ? { stamps: new Stamps(cluster.work) } : {};
    const rounds = new Rounds(cluster, { ...common, ...stamps, jobs });
    for (const kind of schedule) {
      if (performance.now() + rounds.expectedMs(kind) <= untilMs) {
        results.add(await rounds.run(kind, results.timesOf(kind) + 1), elapsed());
      }
    }
    keeps = values.keep;
  } catch (thrown) {
    if (!(thrown instanceof TimeIsOver)) {
      throw thrown;
    }
    process.stdout.write(`[${elapsed()}] the time is over: ${thrown.message}\n`);
    keeps = values.keep;
  } finally {
    await cluster.close(keeps);
    if (keeps) {
      process.stdout.write(`What the processes wrote is in ${cluster.folder}\n`);
    }
  }
};

try {
  const wanted = SETTINGS.filter((setting) => scheduleOf(countsOf(setting)).length > 0);
  for (const [index, setting] of wanted.entries()) {
    const isLast = index === wanted.length - 1;
    await measure(setting, beganMs + limitMs * (isLast ? 1 : 1 - LAST_PART) - CLOSING_MS);
  }
} finally {
  await store.stop();
  results.finish(performance.now() - beganMs);
}
