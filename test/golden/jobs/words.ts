import { readFileSync } from 'node:fs';
import { job } from 'millrace';
import { fileSink } from 'millrace/connectors/file';
import { inSteps, paced } from './paced.ts';

/** Counts the words of a text, in two subtasks. Arguments: output folder, checkpoint folder, text, lines. */
export default job('words', (env, [folder = '', checkpoints = '', text = '', lines = '']) => {
  const items = readFileSync(text, 'utf8').split('\n').slice(0, Number(lines));
  env
    .from(paced(inSteps(items, 6), { checkpoints }))
    .flatMap((line) => line.toLowerCase().match(/[a-z]+/g) ?? [])
    .keyBy((word) => word)
    .count()
    .setParallelism(2)
    .to(fileSink<{ key: string; count: number }>({ path: folder, format: { csv: { columns: ['key', 'count'] } } }))
    .setParallelism(2);
});
