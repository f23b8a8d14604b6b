import type { ListStateOfOperator } from '../../runtime/state/keyed-state.ts';
import { MAX_WATERMARK, MIN_WATERMARK, type OperatorContext } from './operator.ts';

interface SubtaskWatermark {
  readonly subtask: number;
  readonly parallelism: number;
  readonly watermark: number;
}

/**
 * A point in event time that an operator reached. It is state: an operator that forgot it would take records for early
 * that were late before the restore, and fire a window twice.
 */
export class OperatorWatermark {
  readonly #list: ListStateOfOperator<SubtaskWatermark>;
  readonly #subtask: number;
  readonly #parallelism: number;
  /** Only grows. */
  current: number;

  /** `name` is the list's; an `@` in front keeps it apart from lists of users. */
  constructor(context: OperatorContext, name: string) {
    // A union: with another parallelism each subtask goes on from the slowest of the old ones, which is what was
    // promised downstream.
    this.#list = context.operatorState.list<SubtaskWatermark>(name, 'union');
    this.#subtask = context.subtask;
    this.#parallelism = context.parallelism;
    this.current = this.#restored();
  }

  #restored(): number {
    const all = this.#list.get();
    const own = all.find((each) => each.subtask === this.#subtask && each.parallelism === this.#parallelism);
    if (own !== undefined) {
      return own.watermark;
    }
    return all.length === 0 ? MIN_WATERMARK : Math.min(...all.map((each) => each.watermark));
  }

  snapshot(): void {
    // The end of the input is not kept: a job that is started again from a drained savepoint gets new input.
    if (this.current === MAX_WATERMARK) {
      return;
    }
    this.#list.update([{ subtask: this.#subtask, parallelism: this.#parallelism, watermark: this.current }]);
  }
}
