import { closeFunction, openFunction, type FunctionObject } from './function-object.ts';
import { MIN_WATERMARK, NO_TIMESTAMP, Operator, type Downstream, type OperatorContext } from './operator.ts';
import type { OperatorBehavior } from './operator.ts';
import type { OutputTag } from './output-tag.ts';
import type { Collector, ProcessContext, ProcessFunction, Synchronous } from './process-function.ts';

export class ProcessBehavior<In, Out> implements OperatorBehavior {
  readonly kind = 'process';
  readonly fn: (value: In, context: ProcessContext, out: Collector<Out>) => Synchronous;
  readonly functionObject: FunctionObject | undefined;

  constructor(fn: ProcessFunction<In, Out>) {
    this.fn = typeof fn === 'function' ? fn : fn.process.bind(fn);
    this.functionObject = typeof fn === 'function' ? undefined : fn;
  }

  createOperator(): ProcessOperator<In, Out> {
    return new ProcessOperator(this);
  }
}

export class ProcessOperator<In, Out> extends Operator<In, Out> {
  readonly #behavior: ProcessBehavior<In, Out>;
  readonly #fn: (value: In, context: ProcessContext, out: Collector<Out>) => Synchronous;
  #scope!: ProcessScope<Out>;

  constructor(behavior: ProcessBehavior<In, Out>) {
    super();
    this.#behavior = behavior;
    this.#fn = behavior.fn;
  }

  override setup(context: OperatorContext, next: Downstream<Out>): void {
    super.setup(context, next);
    this.#scope = new ProcessScope(context, next);
  }

  override open(): void | Promise<void> {
    return openFunction(this.#behavior.functionObject, this.context);
  }

  process(value: In, timestamp: number): void {
    const scope = this.#scope;
    scope.time = timestamp;
    this.#fn(value, scope, scope);
  }

  override processWatermark(watermark: number): void {
    this.#scope.currentWatermark = watermark;
    this.next.processWatermark(watermark);
  }

  override snapshot(checkpointId: number): void {
    this.#behavior.functionObject?.snapshot?.(checkpointId);
  }

  override close(): void | Promise<void> {
    return closeFunction(this.#behavior.functionObject, this.context);
  }
}

/** Context and collector of a process function in one: a single object for all records. */
export class ProcessScope<Out> implements ProcessContext, Collector<Out> {
  protected readonly context: OperatorContext;
  readonly #next: Downstream<Out>;
  readonly #sideOutputs = new Map<string, Downstream<unknown>>();
  /** Of the record or timer at hand; `NO_TIMESTAMP` when it has none. */
  time = NO_TIMESTAMP;
  currentWatermark = MIN_WATERMARK;

  constructor(context: OperatorContext, next: Downstream<Out>) {
    this.context = context;
    this.#next = next;
  }

  collect(value: Out): void {
    this.#next.process(value, this.time);
  }

  output<T>(tag: OutputTag<T>, value: T): void {
    let target = this.#sideOutputs.get(tag.name);
    if (target === undefined) {
      target = this.context.sideOutput(tag.name);
      this.#sideOutputs.set(tag.name, target);
    }
    target.process(value, this.time);
  }

  get timestamp(): number | undefined {
    return this.time === NO_TIMESTAMP ? undefined : this.time;
  }

  get currentProcessingTime(): number {
    return this.context.clock.now();
  }
}
