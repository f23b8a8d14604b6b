import { assert } from '../../foundation/common/assert.ts';

/**
 * Names a side output and the type of its records. Made once, used at both ends:
 *
 * ```ts
 * import { OutputTag, job } from 'millrace';
 *
 * const tooLarge = new OutputTag<string>('too-large');
 *
 * export default job('side-output', (env) => {
 *   const small = env.fromElements(1, 2, 3000).process<number>((value, ctx, out) => {
 *     if (value > 1000) {
 *       ctx.output(tooLarge, `too large: ${value}`);
 *     } else {
 *       out.collect(value);
 *     }
 *   });
 *   small.print();
 *   small.sideOutput(tooLarge).print();
 * });
 * ```
 */
export class OutputTag<T> {
  declare protected readonly recordType: T;
  readonly name: string;

  constructor(name: string) {
    assert(typeof name === 'string' && name !== '', 'an output tag needs a name');
    this.name = name;
  }
}
