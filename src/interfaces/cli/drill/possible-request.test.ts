import { expect, test } from 'vitest';
import type { DrillAction, DrillRequest } from './drill-request.ts';
import { possibleRequest } from './possible-request.ts';

const request = (actions: readonly DrillAction[]): DrillRequest => ({
  victim: 'random',
  actions,
  rounds: 1,
  everyMs: 1000,
  pauseMs: 1000,
  seed: 1,
  checkpointIntervalMs: 500,
  recoveryMs: 60_000,
  parallelism: undefined,
});

const possible = async (actions: readonly DrillAction[], obstacle: string | undefined) => {
  const said: string[] = [];
  const made = await possibleRequest(request(actions), { obstacle: () => Promise.resolve(obstacle) }, (line) =>
    said.push(line),
  );
  return { actions: made.actions, said };
};

test('cutting off is left out, and said, where it was not asked for by name', async () => {
  expect(await possible(['kill', 'pause', 'cut'], 'only root may')).toEqual({
    actions: ['kill', 'pause'],
    said: ['cut is left out: only root may'],
  });
  expect(await possible(['kill', 'pause', 'cut'], undefined)).toEqual({ actions: ['kill', 'pause', 'cut'], said: [] });
});

test('asked for by name, it is refused with the reason; who does not ask for it hears nothing of it', async () => {
  await expect(possible(['cut'], 'only root may')).rejects.toThrow('--action cut: only root may');
  expect(await possible(['kill'], 'only root may')).toEqual({ actions: ['kill'], said: [] });
});
