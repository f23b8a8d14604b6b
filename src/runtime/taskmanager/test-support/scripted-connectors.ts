import type { Sink, SinkWriter } from '../../../pipeline/connectors/sink.ts';
import type { ReaderContext, ReadStatus, Source, SourceReader } from '../../../pipeline/connectors/source.ts';
import { NO_TIMESTAMP } from '../../../pipeline/operators/operator.ts';

/** A promise that the test settles. */
export class Gate {
  readonly promise: Promise<void>;
  open!: () => void;
  fail!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
    this.promise.catch(() => {});
  }
}

/** A source that the test feeds; each entry of `calls` is one call of its reader. */
export class ScriptedSource {
  readonly calls: string[] = [];
  readonly #records: unknown[] = [];
  #ended = false;
  #context: ReaderContext | undefined;
  /** Overrides parts of the reader. */
  reader: Partial<SourceReader<unknown>> = {};

  get source(): Source<unknown> {
    return {
      name: 'source',
      behavior: { createReader: (context) => this.#create(context) },
      plan: { enumerator: 'static-splits', config: {}, bounded: false },
      parallelism: 1,
    };
  }

  emit(...records: unknown[]): void {
    this.#records.push(...records);
    this.#context?.wake();
  }

  end(): void {
    this.#ended = true;
    this.#context?.wake();
  }

  get unread(): number {
    return this.#records.length;
  }

  #create(context: ReaderContext): SourceReader<unknown> {
    this.#context = context;
    this.calls.push('create');
    const called = (name: string): void => void this.calls.push(name);
    return {
      open: () => called('open'),
      addSplits: () => called('addSplits'),
      noMoreSplits: () => called('noMoreSplits'),
      read: (output): ReadStatus => {
        const record = this.#records.shift();
        if (record !== undefined) {
          output.process(record, NO_TIMESTAMP);
          return 'more';
        }
        return this.#ended ? 'end' : 'wait';
      },
      snapshot: () => {
        called('snapshot');
        return [];
      },
      close: () => called('close'),
      ...this.reader,
    };
  }
}

/** A sink that tells what is done with it. */
export class ScriptedSink {
  readonly calls: string[] = [];
  writer: Partial<SinkWriter<unknown, unknown>> = {};

  get sink(): Sink<unknown> {
    const called = (name: string): void => void this.calls.push(name);
    return {
      name: 'sink',
      kind: 'scripted',
      behavior: {
        bearsRepeats: false,
        createWriter: () => ({
          open: () => called('open'),
          write: (value) => called(`write ${String(value)}`),
          endInput: () => called('endInput'),
          prepare: (_name, id) => {
            called(`prepare ${id}`);
            return { id };
          },
          commit: ({ value }) => called(`commit ${(value as { id: number }).id}`),
          abort: () => called('abort'),
          close: () => called('close'),
          ...this.writer,
        }),
      },
      parallelism: 1,
    };
  }

  get written(): string[] {
    return this.calls.flatMap((call) => (call.startsWith('write ') ? [call.slice(6)] : []));
  }
}
