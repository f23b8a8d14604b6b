import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataStream } from 'millrace';
import { type Prepared, sink, source } from 'millrace/connectors/custom';
import { csvFile, fileSink, jsonLines, textFile } from 'millrace/connectors/file';
import { elements, generate, sequence } from 'millrace/connectors/generator';
import type { Golden, GoldenCase } from './golden-case.ts';
import { type Order, ORDERS } from './orders.ts';

const COUNT = 600;
const RATE = 1000;
const NUMBERS: readonly number[] = Array.from({ length: COUNT }, (_, n) => n);
const lines = (values: readonly unknown[]): string[] => values.map(String);

/** Lets a few records a millisecond pass, so that a file is not read before it is killed. */
const slowly = <T>(stream: DataStream<T>): DataStream<T> =>
  stream.asyncMap(async (value) => sleep(1, value), { capacity: 8 });

const fromSource = (name: string, draw: (golden: Golden) => DataStream<unknown>, expected: string[]): GoldenCase => ({
  name: `source ${name}`,
  covers: [name],
  order: 'any',
  draw: (golden) => golden.write(draw(golden).map(String)),
  expected: () => expected,
});

/** The same numbers for the same record, whatever happened before. */
const drawn = (index: number): string => `${index} ${(index * 7919) % 1009}`;

const roll = (index: number, random: { int(bound: number): number }): readonly number[] => [index, random.int(1000)];

/** The user's code finds the splits, in a thread of its own beside the JobManager. */
const foundShelves = (how: string, bounded: boolean): GoldenCase => ({
  ...fromSource(
    'source',
    ({ env }) =>
      env.from(
        source({
          name: 'found shelves',
          splits: async () => sleep(1, ['a', 'b', 'c', 'd', 'e']),
          bounded,
          maxReadAhead: 4,
          read: async function* (position: number = 0, { split }) {
            for (let n = position; n < 60; n++) {
              await sleep(2);
              yield [`${split}${n}`, n + 1] as const;
            }
          },
        }),
      ),
    ['a', 'b', 'c', 'd', 'e'].flatMap((split) => NUMBERS.slice(0, 60).map((n) => `${split}${n}`)),
  ),
  name: `source, splits found, read ${how}`,
});

const generatorCases: readonly GoldenCase[] = [
  fromSource(
    'sequence',
    ({ env }) => env.from(sequence({ from: 0, to: COUNT - 1, splits: 2, rate: RATE })),
    lines(NUMBERS),
  ),
  fromSource(
    'generate',
    ({ env }) => env.from(generate({ seed: 3, count: COUNT, splits: 2, rate: RATE, create: (index) => drawn(index) })),
    NUMBERS.map(drawn),
  ),
  {
    // The random numbers of a record are its own: both runs, and the expectation of none, agree on them.
    name: 'source generate, random',
    covers: ['generate'],
    order: 'any',
    draw: ({ env, folder }) => {
      const random = generate({ seed: 3, count: COUNT, rate: RATE, create: roll });
      const twin = generate({ seed: 3, count: COUNT, create: roll, name: 'twin' });
      env
        .from(random)
        .union(env.from(twin))
        .keyBy(([index]) => index!)
        .reduce(([index, a], [, b]) => [index!, a! - b!, 2])
        .filter((each) => each.length === 3)
        .map((each) => each.join(' '))
        .to(fileSink({ path: folder }));
    },
    expected: () => NUMBERS.map((index) => `${index} 0 2`),
  },
  fromSource('elements', ({ env }) => env.from(elements(NUMBERS, { rate: RATE, splits: 2 })), lines(NUMBERS)),
  fromSource('StreamExecutionEnvironment.fromElements', ({ env }) => env.fromElements(1, 2, 3), ['1', '2', '3']),
  fromSource(
    'StreamExecutionEnvironment.fromCollection',
    ({ env }) => env.fromCollection(new Set(NUMBERS)),
    lines(NUMBERS),
  ),
  fromSource(
    'source',
    ({ env }) =>
      env.from(
        source({
          name: 'shelves',
          splits: ['a', 'b', 'c'],
          bounded: true,
          maxReadAhead: 4,
          read: async function* (position: { readonly next: number } = { next: 0 }, { split }) {
            for (let n = position.next; n < 100; n++) {
              await sleep(2);
              yield [`${split}${n}`, { next: n + 1 }] as const;
            }
          },
        }),
      ),
    ['a', 'b', 'c'].flatMap((split) => NUMBERS.slice(0, 100).map((n) => `${split}${n}`)),
  ),
  foundShelves('one after the other', true),
  foundShelves('at the same time', false),
];

const FILES = 4;
const LINES = 1200;
const rowOf = (file: number, n: number): readonly [name: string, number: number] => [`f${file}, "${n}"`, n];
const rows = (): (readonly [name: string, number: number])[] =>
  Array.from({ length: FILES * LINES }, (_, i) => rowOf(Math.floor(i / LINES), i % LINES));

const fromFiles = (
  name: string,
  format: (row: readonly [name: string, number: number]) => string,
  read: (golden: Golden, folder: string) => DataStream<string>,
  { header = '', result = format }: { readonly header?: string; readonly result?: typeof format } = {},
): GoldenCase => ({
  name: `source ${name}`,
  covers: [name],
  order: 'any',
  prepare: (data) => {
    mkdirSync(join(data, name), { recursive: true });
    for (let file = 0; file < FILES; file++) {
      const content = Array.from({ length: LINES }, (_, n) => `${format(rowOf(file, n))}\n`).join('');
      writeFileSync(join(data, name, `${file}.in`), header + content);
    }
  },
  draw: (golden) => golden.write(slowly(read(golden, join(golden.data, name)))),
  expected: () => rows().map(result),
});

const quoted = ([name, n]: readonly [string, number]): string => `"${name.replaceAll('"', '""')}",${n}`;
const asJson = ([name, n]: readonly [string, number]): string => JSON.stringify({ n, name });

const fileSourceCases: readonly GoldenCase[] = [
  fromFiles('textFile', asJson, ({ env }, folder) => env.from(textFile(folder, { splitSize: '5kb', readSize: '1kb' }))),
  fromFiles(
    'csvFile',
    quoted,
    ({ env }, folder) =>
      env
        .from(csvFile(`${folder}/*.in`, { columns: { n: 'integer', name: 'string' }, header: true, readSize: '1kb' }))
        .map(({ n, name }) => asJson([name, n])),
    { header: 'name,n\n', result: asJson },
  ),
  fromFiles('jsonLines', asJson, ({ env }, folder) =>
    env
      .from(jsonLines<{ n: number; name: string }>(folder, { splitSize: '5kb', readSize: '1kb' }))
      .map(({ n, name }) => asJson([name, n])),
  ),
];

const orderLine = ({ id, customer, amount }: Order): string => `${id},${customer},${amount}`;

const toFiles = (name: string, draw: (golden: Golden) => void, result: (order: Order) => string): GoldenCase => ({
  name: `fileSink ${name}`,
  covers: ['fileSink', 'DataStream.to'],
  order: 'total',
  draw,
  expected: () => ORDERS.map(result),
});

const sinkCases: readonly GoldenCase[] = [
  toFiles(
    'text, rolling by size over checkpoints',
    (golden) =>
      golden
        .paced(ORDERS)
        .map(orderLine)
        .setParallelism(1)
        .to(fileSink({ path: golden.folder, rolling: { onCheckpoint: false, maxSize: '1kb' } }))
        .setParallelism(1),
    orderLine,
  ),
  toFiles(
    'text, rolling by age over checkpoints',
    (golden) =>
      golden
        .paced(ORDERS)
        .map(orderLine)
        .setParallelism(1)
        .to(fileSink({ path: golden.folder, rolling: { onCheckpoint: false, maxAge: '60ms' }, prefix: 'aged' }))
        .setParallelism(1),
    orderLine,
  ),
  toFiles(
    'json',
    (golden) =>
      golden
        .paced(ORDERS.map(({ id, customer }) => ({ id, customer })))
        .to(fileSink({ path: golden.folder, format: 'json', suffix: '.jsonl', rolling: { maxSize: '300b' } }))
        .setParallelism(1),
    ({ id, customer }) => JSON.stringify({ id, customer }),
  ),
  toFiles(
    'csv',
    (golden) =>
      golden
        .paced(ORDERS)
        .to(fileSink<Order>({ path: golden.folder, format: { csv: { columns: ['id', 'customer', 'amount'] } } }))
        .setParallelism(1),
    orderLine,
  ),
  toFiles(
    'a function',
    (golden) =>
      golden
        .paced(ORDERS)
        .to(fileSink({ path: golden.folder, format: (order: Order) => orderLine(order) }))
        .setParallelism(1),
    orderLine,
  ),
  {
    name: 'a sink of its own',
    covers: ['sink', 'DataStream.to'],
    order: 'any',
    draw: (golden) => golden.paced(ORDERS).map(orderLine).to(folderSink(golden.folder)).setParallelism(2),
    expected: () => ORDERS.map(orderLine),
  },
];

/** Writes a file for each transaction, hidden until it is committed. */
const folderSink = (folder: string) =>
  sink<string, string>({
    name: 'folder',
    create: () => {
      const rowsOfTransaction: string[] = [];
      const hidden = (name: string): string => join(folder, `.${name}`);
      return {
        write: (row) => rowsOfTransaction.push(row),
        prepare: (name) => {
          if (rowsOfTransaction.length === 0) {
            return undefined;
          }
          mkdirSync(folder, { recursive: true });
          writeFileSync(
            hidden(name),
            rowsOfTransaction
              .splice(0)
              .map((row) => `${row}\n`)
              .join(''),
          );
          return name;
        },
        commit: ({ value }: Prepared<string>) => {
          if (existsSync(hidden(value))) {
            renameSync(hidden(value), join(folder, value));
          } else if (!existsSync(join(folder, value))) {
            throw new Error(`transaction ${value} is lost`);
          }
        },
        abort: (scope) => {
          for (const name of existsSync(folder) ? readdirSync(folder) : []) {
            if (name.startsWith('.') && scope.covers(name.slice(1))) {
              rmSync(join(folder, name));
            }
          }
        },
      };
    },
  });

export const CONNECTOR_CASES: readonly GoldenCase[] = [...generatorCases, ...fileSourceCases, ...sinkCases];
