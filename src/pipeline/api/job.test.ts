import { describe, expect, it } from 'vitest';
import { sequence } from '../connectors/generator/index.ts';
import type { StreamNode } from '../graph/stream-graph.ts';
import {
  job,
  OutputTag,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
  WatermarkStrategy,
  type DataStream,
  type StreamExecutionEnvironment,
  type StreamGraphAndSettings,
} from './index.ts';

const draw = (
  builder: (env: StreamExecutionEnvironment, args: readonly string[]) => void,
  configuration: Readonly<Record<string, string>> = {},
): StreamGraphAndSettings => job('test', builder).build(['one', 'two'], configuration);

/** A node as a line: kind, name, inputs with partitioning. */
const line = (node: StreamNode): string => {
  const inputs = node.inputs.map(
    ({ from, sideOutput, partitioning }) =>
      `${from.name}${sideOutput === undefined ? '' : `#${sideOutput}`}${partitioning === undefined ? '' : `:${partitioning.kind}`}`,
  );
  return `${node.kind} ${node.operator} ${node.name} <- ${inputs.join(', ')}`;
};

describe('a job', () => {
  it('is drawn as nodes and edges', () => {
    const side = new OutputTag<number>('side');
    const { graph } = draw((env) => {
      const source = env.fromElements(1, 2, 3).name('numbers');
      const doubled = source.map((n) => n * 2).name('doubled');
      const split = doubled.process<number>((n, ctx) => ctx.output(side, n)).name('split');
      split
        .sideOutput(side)
        .rebalance()
        .union(source.broadcast())
        .keyBy((n) => n % 2)
        .sum()
        .print('sums');
      split.countWindowAll(2).count().blackhole();
      doubled.keyBy(String).countWindow(3).max().collect('largest');
      doubled.windowAll(TumblingProcessingTimeWindows.of('1s')).min().rescale().global().forward().print();
    });
    expect(graph.name).toBe('test');
    expect(graph.nodes.map(line)).toEqual([
      'source source numbers <- ',
      'operator map doubled <- numbers',
      'operator process split <- doubled',
      'operator sum sum <- split#side:hash, numbers:hash',
      'sink print print sums <- sum',
      'operator countWindowAll countWindowAll <- split:global',
      'sink blackhole blackhole <- countWindowAll',
      'operator countWindow countWindow <- doubled:hash',
      'sink collect collect largest <- countWindow',
      'operator timeWindowAll timeWindowAll <- doubled:global',
      'sink print print <- timeWindowAll:forward',
    ]);
    expect(graph.nodes.map(({ index }) => index)).toEqual(graph.nodes.map((_node, index) => index));
    expect(graph.nodes[5]?.fixedParallelism).toBe(1);
    expect(graph.nodes.filter(({ stateful }) => !stateful).map(({ name }) => name)).toEqual(['doubled', 'split']);
  });

  it('partitions by field, function and by hand', () => {
    const { graph } = draw((env) => {
      const records = env.fromElements({ id: 'a', n: 7 });
      records.keyBy('id').count().print();
      records
        .keyBy(({ n }) => n % 2)
        .count()
        .print();
      records.partitionCustom((key, channels) => key % channels, 'n').print();
    });
    const partitionings = graph.nodes.flatMap(({ inputs }) => inputs.flatMap(({ partitioning }) => partitioning ?? []));
    const keys = partitionings.map((each) => ('keyOf' in each ? each.keyOf({ id: 'a', n: 7 }) : undefined));
    expect(keys).toEqual(['a', 1, 7]);
    const custom = partitionings.find((each) => each.kind === 'custom');
    expect(custom?.partition(7, 4)).toBe(3);
  });

  it('sets operators', () => {
    const { graph } = draw((env) => {
      env
        .from(sequence({ to: 5, splits: 4 }))
        .setParallelism(3)
        .map((n) => n)
        .name('same')
        .uid('same-1')
        .setParallelism(2)
        .setMaxParallelism(64)
        .slotSharingGroup('heavy')
        .startNewChain()
        .filter(() => true)
        .disableChaining()
        .print()
        .name('out')
        .uid('out-1')
        .setParallelism(1)
        .setMaxParallelism(8)
        .disableChaining()
        .slotSharingGroup('light');
    });
    const [source, map, filter, sink] = graph.nodes;
    expect(source?.parallelism).toBe(3);
    expect(map).toMatchObject({
      name: 'same',
      uid: 'same-1',
      parallelism: 2,
      maxParallelism: 64,
      slotSharingGroup: 'heavy',
      chaining: { before: false, after: true },
    });
    expect(filter?.chaining).toEqual({ before: false, after: false });
    expect(sink).toMatchObject({
      name: 'out',
      uid: 'out-1',
      parallelism: 1,
      maxParallelism: 8,
      slotSharingGroup: 'light',
    });
  });

  it('sets the configuration', () => {
    const { settings } = draw((env) => {
      env
        .enableCheckpointing({
          interval: '5s',
          mode: 'at-least-once',
          timeout: '1min',
          minPause: 500,
          tolerableFailures: 2,
          numRetained: 3,
          retention: 'RETAIN_ON_CANCELLATION',
        })
        .setParallelism(4)
        .setMaxParallelism(256)
        .disableOperatorChaining()
        .setRestartStrategy({ kind: 'fixed-delay', attempts: 3, delay: '10 s' })
        .configure('my.key', true);
      env.fromElements(1).print();
    });
    expect(settings).toEqual({
      'execution.checkpointing.interval': '5 s',
      'execution.checkpointing.mode': 'at-least-once',
      'execution.checkpointing.timeout': '1 min',
      'execution.checkpointing.min-pause': '500 ms',
      'execution.checkpointing.tolerable-failed-checkpoints': '2',
      'execution.checkpointing.num-retained': '3',
      'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
      'parallelism.default': '4',
      'pipeline.max-parallelism': '256',
      'pipeline.operator-chaining.enabled': 'false',
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.attempts': '3',
      'restart-strategy.fixed-delay.delay': '10 s',
      'my.key': 'true',
    });
    expect(draw((env) => void env.enableCheckpointing(250).fromElements(1).print()).settings).toEqual({
      'execution.checkpointing.interval': '250 ms',
    });
  });

  it.each([
    [{ kind: 'none' }, { 'restart-strategy.type': 'none' }],
    [
      { kind: 'failure-rate', maxFailuresPerInterval: 3, interval: '5min', delay: 100 },
      {
        'restart-strategy.type': 'failure-rate',
        'restart-strategy.failure-rate.max-failures-per-interval': '3',
        'restart-strategy.failure-rate.failure-rate-interval': '5 min',
        'restart-strategy.failure-rate.delay': '100 ms',
      },
    ],
    [
      { kind: 'exponential-delay', initialBackoff: '1s', maxBackoff: '1h', multiplier: 2, jitter: 0.2, attempts: 9 },
      {
        'restart-strategy.type': 'exponential-delay',
        'restart-strategy.exponential-delay.initial-backoff': '1 s',
        'restart-strategy.exponential-delay.max-backoff': '1 h',
        'restart-strategy.exponential-delay.backoff-multiplier': '2',
        'restart-strategy.exponential-delay.jitter-factor': '0.2',
        'restart-strategy.exponential-delay.attempts-before-reset-backoff': '9',
      },
    ],
  ] as const)('sets the restart strategy %j', (strategy, expected) => {
    const { settings } = draw((env) => void env.setRestartStrategy(strategy));
    expect(settings).toEqual(expected);
  });

  it('draws the same each time, from arguments and configuration', () => {
    const definition = job('args', (env, args) => {
      const stream = env.fromElements(...args);
      (args.length > 1 ? stream.map((text) => text.length) : stream).print();
    });
    const names = (args: readonly string[]): string[] => definition.build(args, {}).graph.nodes.map(({ name }) => name);
    expect(names(['a'])).toEqual(['elements', 'print']);
    expect(names(['a', 'b'])).toEqual(['elements', 'map', 'print']);
    expect(names(['a'])).toEqual(['elements', 'print']);
  });

  it('gives a source with a limit no more than that', () => {
    const parallelisms = (parallelism: string): unknown[] =>
      draw((env) => void env.from({ ...sequence({ to: 5, splits: 2 }), parallelism: undefined as never }).print(), {
        'parallelism.default': parallelism,
      }).graph.nodes.map((node) => node.parallelism);
    expect(parallelisms('8')).toEqual([2, undefined]);
    expect(parallelisms('1')).toEqual([undefined, undefined]);
  });

  it('warns of streams that nobody reads, and of what sources say', () => {
    const { warnings } = draw((env) => {
      const source = env.from({
        ...sequence({ to: 5 }),
        behavior: { createReader: () => never(), warning: 'no positions' },
      });
      source.map((n) => n);
      source.print();
    });
    expect(warnings).toEqual([
      'no positions',
      "nothing reads what operator 'map' emits; end its stream with .to(sink), .print() or .blackhole()",
    ]);
  });

  it('gives each subtask function objects of its own', () => {
    let made = 0;
    const { graph } = draw((env) => {
      const object = { id: made++, map: (n: number) => n };
      env
        .fromElements(1)
        .map(object)
        .map((n) => n)
        .print();
    });
    const behavior = graph.nodes[1]?.behavior as { createOperator(): object };
    expect(made).toBe(1);
    behavior.createOperator();
    expect(made).toBe(1);
    behavior.createOperator();
    behavior.createOperator();
    expect(made).toBe(3);
  });
});

const never = (): never => {
  throw new Error('not to be called');
};

describe('a job that cannot run', () => {
  const message = (builder: (env: StreamExecutionEnvironment) => void): string => {
    try {
      draw(builder);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('no error');
  };

  it.each<[string, (env: StreamExecutionEnvironment) => void, RegExp]>([
    [
      'a parallelism of 0',
      (env) => void env.fromElements(1).map(String).setParallelism(0),
      /operator 'map' is 0; allowed/,
    ],
    ['a fraction', (env) => void env.setParallelism(1.5), /the parallelism of the job is 1.5; allowed/],
    ['too many', (env) => void env.setMaxParallelism(32_769), /max parallelism of the job is 32769; allowed/],
    [
      'a parallel global window',
      (env) => void env.fromElements(1).countWindowAll(2).sum().setParallelism(2),
      /its parallelism is 1 and not 2/,
    ],
    [
      'more subtasks than splits',
      (env) => void env.fromElements(1).setParallelism(2),
      /source 'elements' has work for 1 subtask, not for 2/,
    ],
    ['an empty uid', (env) => void env.fromElements(1).uid(''), /the uid of operator 'elements' is empty/],
    [
      'two sinks of one name',
      (env) => void [env.fromElements(1).collect('x'), env.fromElements(1).collect('x')],
      /job 'test' has two sinks 'collect x'/,
    ],
    ['an empty count window', (env) => void env.fromElements(1).countWindowAll(0), /a count window of 0 records/],
    ['an empty time window', () => void TumblingEventTimeWindows.of(0), /a window of 0 ms: the size must be/],
    [
      'an offset as large as the window',
      () => void TumblingEventTimeWindows.of('1s', '1s'),
      /the offset must be smaller/,
    ],
    [
      'a capacity of 0',
      (env) => void env.fromElements(1).asyncMap(async (n) => n, { capacity: 0 }),
      /the capacity of asyncMap is 0/,
    ],
    [
      'a duration without sense',
      () => void WatermarkStrategy.forBoundedOutOfOrderness('5 parsecs' as '5s'),
      /the out-of-orderness is "5 parsecs"; allowed/,
    ],
    [
      'a wrong number of checkpoints',
      (env) => void env.enableCheckpointing({ interval: 5, numRetained: 0 }),
      /execution.checkpointing.num-retained is 0; allowed: a whole number, 1 or more/,
    ],
    [
      'a wrong jitter',
      (env) => void env.setRestartStrategy({ kind: 'exponential-delay', jitter: 2 }),
      /jitter-factor is 2; allowed/,
    ],
  ])('%s', (_what, builder, expected) => {
    expect(message(builder)).toMatch(expected);
  });

  it('an async builder', () => {
    expect(() => draw(async () => {})).toThrow(
      /builder of job 'test' is async, so what it draws after its first await is lost/,
    );
  });

  it('a stream that is used when the builder has returned', () => {
    let kept: DataStream<number> | undefined;
    draw((env) => {
      kept = env.fromElements(1);
      kept.print();
    });
    expect(() => kept?.map((n) => n)).toThrow(/cannot add operator 'map': the builder of job 'test' has returned/);
    expect(() => draw((env) => void env.fromElements(1).union(kept!))).toThrow(
      /unites a stream with one of another job/,
    );
  });

  it('no name, no builder', () => {
    expect(() => job('', () => {})).toThrow(/a job needs a name/);
    expect(() => job('x', undefined as never)).toThrow(/job 'x' needs a builder/);
  });

  it('another graph each time', () => {
    let runs = 0;
    const { graph } = draw((env) => {
      const stream = env.fromElements(1);
      (runs++ === 0 ? stream.map({ map: (n) => n }) : stream.filter(() => true)).print();
    });
    const behavior = graph.nodes[1]?.behavior as { createOperator(): object };
    behavior.createOperator();
    expect(() => behavior.createOperator()).toThrow(
      /draws another graph each time: operator 1 was 'map', now it is 'filter'/,
    );
  });
});
