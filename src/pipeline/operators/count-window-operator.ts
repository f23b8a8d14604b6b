import type { Key, KeyedTable } from '../../runtime/state/keyed-state.ts';
import type { FunctionObject } from './function-object.ts';
import { FunctionOperator } from './function-operator.ts';
import type { KeySelector } from './key-selector.ts';
import type { Operator, OperatorBehavior } from './operator.ts';
import type { CountWindow } from './time-window.ts';
import { BufferedContents, type WindowFunction } from './window-contents.ts';
import type { WindowFold } from './window-fold.ts';

/** Windows of `size` records of a key; a window that is not full when the input ends does not fire. */
export class CountWindowBehavior<In> implements OperatorBehavior {
  readonly kind = 'countWindow';
  readonly key: KeySelector<In>;
  readonly window: CountWindow;
  readonly fn: WindowFunction<In, CountWindow>;
  readonly functionObject: FunctionObject | undefined;

  constructor(key: KeySelector<In>, size: number, fn: WindowFunction<In, CountWindow>) {
    this.key = key;
    this.window = { size };
    this.fn = fn;
    this.functionObject = fn.functionObject;
  }

  createOperator(): Operator<In, unknown> {
    return this.fn.kind === 'fold' ? new FoldedCountWindowOperator(this) : new BufferedCountWindowOperator(this);
  }
}

interface Pane {
  readonly count: number;
  readonly accumulator: unknown;
}

class FoldedCountWindowOperator<In> extends FunctionOperator<In, unknown> {
  readonly #behavior: CountWindowBehavior<In>;
  readonly #keyOf: (value: In) => unknown;
  readonly #size: number;
  #table!: KeyedTable<Pane>;
  #fold!: WindowFold<In, unknown, unknown>;

  constructor(behavior: CountWindowBehavior<In>) {
    super(behavior.functionObject);
    this.#behavior = behavior;
    this.#keyOf = behavior.key.keyOf;
    this.#size = behavior.window.size;
  }

  override open(): void | Promise<void> {
    const { fn } = this.#behavior;
    if (fn.kind === 'fold') {
      this.#fold = fn.fold(this.context.operatorName);
    }
    this.#table = this.context.keyedState().table<Pane>('window');
    return super.open();
  }

  process(value: In, timestamp: number): void {
    const key = this.#keyOf(value) as Key;
    const pane = this.#table.get(key);
    const accumulator = pane === undefined ? this.#fold.first(value) : this.#fold.add(pane.accumulator, value);
    const count = pane === undefined ? 1 : pane.count + 1;
    if (count < this.#size) {
      this.#table.put(key, { count, accumulator });
      return;
    }
    this.#table.delete(key);
    this.#fire(key, this.#fold.result(accumulator), timestamp);
  }

  #fire(key: Key, result: unknown, timestamp: number): void {
    const { fn, window } = this.#behavior;
    if (fn.emit === undefined) {
      this.next.process(result, timestamp);
      return;
    }
    fn.emit(key, window, result as never, (value) => this.next.process(value, timestamp));
  }
}

class BufferedCountWindowOperator<In> extends FunctionOperator<In, unknown> {
  readonly #behavior: CountWindowBehavior<In>;
  #contents!: BufferedContents<In>;

  constructor(behavior: CountWindowBehavior<In>) {
    super(behavior.functionObject);
    this.#behavior = behavior;
  }

  override open(): void | Promise<void> {
    this.#contents = new BufferedContents<In>(this.context.keyedState());
    return super.open();
  }

  process(value: In, timestamp: number): void {
    const { key: selector, fn, window } = this.#behavior;
    const key = selector.keyOf(value) as Key;
    this.#contents.add(key, 0, value);
    if (this.#contents.size(key, 0) < window.size) {
      return;
    }
    const records = this.#contents.read(key, 0);
    this.#contents.delete(key, 0);
    fn.emit?.(key, window, records, (result) => this.next.process(result, timestamp));
  }
}
