import { readFile } from 'node:fs/promises';
import type { ClusterProcess } from '../local-cluster.ts';
import type { Finding } from './verdict.ts';

/** Ids of checkpoints are never given out twice (I5), whoever leads: every JobManager says in its log which ones it triggers. */
export const repeatedCheckpointIds = async (
  jobManagers: readonly Pick<ClusterProcess, 'log'>[],
  jobId: string,
): Promise<readonly Finding[]> => {
  const times = new Map<number, number>();
  for (const log of new Set(jobManagers.map((each) => each.log))) {
    const text = await readFile(log, 'utf8').catch(() => '');
    for (const [, id] of text.matchAll(new RegExp(`Triggering checkpoint (\\d+) .* for job ${jobId}`, 'g'))) {
      times.set(Number(id), (times.get(Number(id)) ?? 0) + 1);
    }
  }
  const repeated = [...times].filter(([, often]) => often > 1).map(([id]) => id);
  return repeated.length === 0
    ? []
    : [
        {
          kind: 'checkpoint-id',
          text: `ids of checkpoints were used again: ${repeated.toSorted((a, b) => a - b).join(', ')}`,
        },
      ];
};
