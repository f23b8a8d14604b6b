import { expect, test } from 'vitest';
import { Configuration } from '../foundation/config/configuration.ts';
import type { JobGraph } from '../pipeline/graph/job-graph.ts';
import { survivalNotes } from './survival-notes.ts';

const notes = (settings: Record<string, string>, isCheckpointing: boolean): readonly string[] =>
  survivalNotes(Configuration.of(settings, 'test'), {
    checkpointing: isCheckpointing ? ({} as NonNullable<JobGraph['checkpointing']>) : undefined,
  });

const HA = { 'high-availability.type': 'embedded' };

test('a job with checkpoints and HA survives everything: nothing is said', () => {
  expect(notes(HA, true)).toEqual([]);
});

test('without checkpoints: what a failover, a lost TaskManager and a stop of the cluster do to it', () => {
  expect(notes(HA, false)).toEqual([
    expect.stringContaining('a failover of the JobManager keeps the tasks, and so their state'),
    expect.stringContaining('The loss of a TaskManager fails this job'),
    'A stop and start of the whole cluster runs this job from the beginning',
  ]);
  expect(notes({ ...HA, 'restart-strategy.type': 'fixed-delay' }, false)[1]).toBe(
    'The loss of a TaskManager restarts this job with empty state (restart-strategy.type: fixed-delay)',
  );
});

test('without HA: what a crash of the JobManager does to it, and the way back', () => {
  expect(notes({}, true)).toEqual([
    'A crash of the JobManager loses this job (high-availability.type: none). Its checkpoints stay: "millrace run ' +
      '--fromSavepoint <checkpoint> <job file>" resumes it by hand',
  ]);
  expect(notes({}, false)).toEqual([
    expect.stringContaining('nothing of it is left then'),
    expect.stringContaining('The loss of a TaskManager fails this job'),
  ]);
});
