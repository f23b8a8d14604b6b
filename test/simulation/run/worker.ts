import { present } from '../../../src/foundation/common/assert.ts';
import type { PlayRequest } from './pool.ts';
import { play } from '../world/schedule.ts';

// Where an error came from is told when its schedule is played again.
Error.stackTraceLimit = 0;

/** A process that plays the schedules of the seeds that it is sent, one after the other. */
process.on('message', ({ seed, world }: PlayRequest) => {
  void play(seed, world).then((outcome) => {
    const trace = outcome.violation === undefined ? [] : outcome.trace;
    present(process.send?.bind(process), 'parent')({ ...outcome, trace });
  });
});
process.on('disconnect', () => process.exit(0));
