import { job } from 'millrace';
import { Golden } from './cases/golden-case.ts';
import { goldenCases } from './cases/all-cases.ts';

/** Golden cases beside each other. Arguments: output folder, checkpoint folder, names of cases. */
export default job('golden', (env, [folder = '', checkpoints = '', ...names]) => {
  env.setParallelism(2);
  env.configure('pipeline.auto-watermark-interval', '10ms');
  for (const golden of goldenCases(names)) {
    golden.draw(new Golden(env, golden, { root: folder, checkpoints }));
  }
});
