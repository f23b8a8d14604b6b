import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface DocExample {
  /** Relative to the project's folder. */
  readonly file: string;
  /** Of the first line of code. */
  readonly line: number;
  readonly code: string;
}

/** What examples may use that import nothing. */
const PRELUDE = `
import {
  DataStream, KeyedStream, OutputTag, SingleOutputStreamOperator, StreamExecutionEnvironment,
  TumblingEventTimeWindows, TumblingProcessingTimeWindows, WatermarkStrategy, job,
  type AggregateFunction, type Collector, type KeyedProcessContext, type KeyedRuntimeContext, type ListStateOfOperator,
  type OnTimerContext, type ProcessContext, type RichKeyedProcessFunction, type RichMapFunction,
  type RichProcessFunction, type RuntimeContext, type Sink, type ValueState,
} from 'millrace';
interface Order {
  readonly customer: string;
  readonly product: string;
  readonly amount: number;
  readonly time: number;
}
declare const env: StreamExecutionEnvironment;
declare const orders: DataStream<Order>;
`.replaceAll('\n', ' ');

/** The fenced `ts` blocks of a Markdown file, or of the doc comments of a source file. */
export const examplesIn = async (root: string, file: string): Promise<readonly DocExample[]> => {
  const lines = (await readFile(path.join(root, file), 'utf8')).split('\n');
  const margin = file.endsWith('.ts') ? /^\s*\* ?/ : /^/;
  const examples: { file: string; line: number; code: string }[] = [];
  let open: { file: string; line: number; code: string } | undefined;
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(margin, '');
    if (open === undefined && line.trim() === '```ts') {
      open = { file, line: index + 2, code: '' };
    } else if (open !== undefined && line.trim() === '```') {
      examples.push(open);
      open = undefined;
    } else if (open !== undefined) {
      open.code += `${line}\n`;
    }
  }
  return examples;
};

/** As a module of its own, with the first line of the example in line 2. */
export const moduleOf = ({ code }: DocExample): string =>
  `${/^import /m.test(code) ? '' : PRELUDE}\n${code}\nexport {};\n`;
