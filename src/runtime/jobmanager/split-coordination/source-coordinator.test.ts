import { describe, expect, test } from 'vitest';
import { assert } from '../../../foundation/common/assert.ts';
import type { EnumeratorDecision, Split } from '../../../pipeline/connectors/source.ts';
import type { ReaderReport } from '../../protocol/task-commands.ts';
import { operatorIdOf } from '../test-support/test-graph.ts';
import type { EnumeratorRequest } from './enumerator-messages.ts';
import { SourceCoordinator, type EnumeratorSnapshot, type ReaderCommand } from './source-coordinator.ts';

const splits = (...ids: string[]): Split[] => ids.map((id) => ({ id }));

const shown = (commands: readonly ReaderCommand[]): string[] =>
  commands.map(({ subtask, command }) =>
    command.kind === 'splits'
      ? `${subtask}: ${(command.splits as readonly Split[]).map(({ id }) => id).join(',')}`
      : `${subtask}: ${command.kind}`,
  );

const assign = (...pairs: (readonly [number, string])[]): EnumeratorDecision => ({
  assign: pairs.map(([subtask, id]) => ({ subtask, splits: splits(id) })),
});

/** A source of two readers and, in place of its enumerator, the test. */
class Drive {
  readonly source = new SourceCoordinator({ operatorId: operatorIdOf('a'), config: { c: 1 }, parallelism: 2 });

  /** Counts calls as the shell does. */
  call = 1;

  restart(subtasks: readonly number[], snapshot?: EnumeratorSnapshot): EnumeratorRequest | undefined {
    return this.source.readersRestarted(subtasks, snapshot, this.call++);
  }

  start(snapshot?: EnumeratorSnapshot, discoverEveryMs?: number): this {
    const request = this.restart([0, 1], snapshot);
    assert(request?.kind === 'open', 'the enumerator is opened');
    const result = { kind: 'opened', decision: {}, discovers: true, discoverEveryMs } as const;
    this.source.answered(request, this.call, result);
    return this;
  }

  register(subtask: number, decision: EnumeratorDecision = {}): string[] {
    const { commands, request } = this.source.readerRegistered(subtask, []);
    return [...shown(commands), ...this.decide(request, decision)];
  }

  decide(request: EnumeratorRequest, decision: EnumeratorDecision, knowing = this.call++): string[] {
    return shown(this.source.answered(request, knowing, { kind: 'decided', decision }));
  }

  discovered(decision: EnumeratorDecision): string[] {
    return this.decide({ kind: 'discover' }, decision);
  }

  checkpoint(id: number): EnumeratorSnapshot {
    this.source.snapshotTaken(`state ${id}`);
    const snapshot = this.source.triggered(id);
    assert(this.source.release().length === 0, 'nothing was held');
    return snapshot;
  }
}

const requested = (subtask: number): EnumeratorRequest => ({ kind: 'split-requested', subtask });

describe('assignment', () => {
  test('goes to readers that are there, the rest waits for them', () => {
    const drive = new Drive().start();
    drive.register(0);
    expect(drive.discovered(assign([0, 's0'], [1, 's1'], [0, 's2']))).toEqual(['0: s0', '0: s2']);
    expect(drive.checkpoint(1)).toEqual({ discovered: true, state: 'state 1', undelivered: splits('s1') });
    expect(drive.register(1, assign([1, 's3']))).toEqual(['1: s1', '1: s3']);
    expect(drive.checkpoint(2).undelivered).toEqual([]);
  });

  test('"no more splits" is said again to a reader that registers after it', () => {
    const drive = new Drive().start();
    expect(drive.decide(requested(1), { noMoreSplits: [1] })).toEqual([]);
    expect(drive.register(1)).toEqual(['1: no-more-splits']);
  });

  test('"no more splits" for an attempt that is gone says nothing to the next one', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.register(1);
    const before = drive.call - 1;
    drive.restart([1]);
    expect(drive.decide(requested(1), { noMoreSplits: [1] }, before)).toEqual([]);
    expect(drive.register(1)).toEqual([]);
    expect(drive.decide(requested(1), { noMoreSplits: [1] })).toEqual(['1: no-more-splits']);
  });
});

test('a discovery that ends after a reader started anew ends that reader too', () => {
  const drive = new Drive().start();
  drive.restart([1]);
  drive.register(1);
  expect(drive.decide({ kind: 'discover' }, { noMoreSplits: [0, 1] })).toEqual(['1: no-more-splits']);
});

describe('a split for a reader that heard that there are no more', () => {
  const set = (): Drive => {
    const drive = new Drive().start();
    drive.register(0);
    drive.register(1);
    drive.decide(requested(0), { noMoreSplits: [0] });
    expect(drive.decide(requested(0), assign([0, 'late']))).toEqual([]);
    return drive;
  };

  test('goes back to the enumerator', () => {
    const drive = set();
    const requests = drive.source.takeRequests();
    expect(requests).toEqual([{ kind: 'splits-returned', splits: splits('late') }]);
    expect(drive.source.takeRequests()).toEqual([]);
    expect(drive.decide(requests[0]!, assign([1, 'late']))).toEqual(['1: late']);
    expect(drive.checkpoint(1).undelivered).toEqual([]);
  });

  test('is in a checkpoint that the enumerator wrote before it had it back', () => {
    const drive = set();
    const [request] = drive.source.takeRequests();
    drive.source.snapshotTaken('state');
    drive.decide(request!, {});
    expect(drive.source.triggered(1).undelivered).toEqual(splits('late'));
    drive.source.release();
    expect(drive.checkpoint(2).undelivered).toEqual([]);
  });
});

describe('a checkpoint (R4)', () => {
  test('what is decided after the snapshot follows the trigger', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.discovered(assign([0, 'before']));
    drive.source.snapshotTaken('state');
    expect(drive.decide(requested(0), assign([0, 'after']))).toEqual([]);
    expect(drive.source.triggered(1)).toEqual({ discovered: true, state: 'state', undelivered: [] });
    expect(shown(drive.source.release())).toEqual(['0: after']);
    drive.source.completed(1);
    // Checkpoint 1 covers the one and not the other.
    expect(drive.restart([0])).toEqual({ kind: 'splits-returned', splits: splits('after') });
  });

  test('a discovery that ends after the snapshot is not in it', () => {
    const drive = new Drive().start();
    drive.source.snapshotTaken('state');
    drive.discovered(assign([0, 'late']));
    expect(drive.source.triggered(1)).toEqual({ discovered: false, state: 'state', undelivered: [] });
    drive.source.release();
    expect(drive.checkpoint(2)).toMatchObject({ discovered: true, undelivered: splits('late') });
  });

  test('what waited reaches a reader that registers between snapshot and trigger, and is not in the checkpoint', () => {
    const drive = new Drive().start();
    drive.discovered(assign([1, 'waiting']));
    drive.source.snapshotTaken('state');
    expect(drive.register(1)).toEqual(['1: waiting']);
    expect(drive.source.triggered(1).undelivered).toEqual([]);
    drive.source.completed(1);
    expect(drive.restart([1])?.kind).not.toBe('splits-returned');
  });

  test('a snapshot that is not used holds nothing back', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.source.snapshotTaken('state');
    drive.decide(requested(0), assign([0, 'held']));
    expect(shown(drive.source.release())).toEqual(['0: held']);
  });
});

describe('one of several readers starts anew (R4)', () => {
  test('what it got since the newest completed checkpoint comes back, what that covers does not', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.register(1);
    drive.discovered(assign([0, 'a0'], [1, 'a1']));
    drive.checkpoint(1);
    drive.discovered(assign([0, 'b0'], [1, 'b1']));
    drive.source.completed(1);
    drive.checkpoint(2);
    drive.discovered(assign([0, 'c0'], [1, 'c1']));
    drive.source.readersFailed([0]);
    const snapshot = { discovered: true, state: 'of 1', undelivered: [] };
    expect(drive.restart([0], snapshot)).toEqual({
      kind: 'splits-returned',
      splits: splits('b0', 'c0'),
    });
    expect(drive.restart([0])).toBeUndefined();
  });

  test('without a completed checkpoint everything comes back', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.discovered(assign([0, 'a0']));
    expect(drive.restart([0])).toEqual({ kind: 'splits-returned', splits: splits('a0') });
  });

  test('what is found while it is away waits', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.source.readersFailed([0]);
    expect(drive.discovered(assign([0, 'a0']))).toEqual([]);
    expect(drive.restart([0])).toBeUndefined();
    expect(drive.register(0)).toEqual(['0: a0']);
  });
});

describe('all readers start anew', () => {
  const snapshot = { discovered: false, state: { next: 7 }, undelivered: splits('u') };
  const open = {
    kind: 'open',
    config: { c: 1 },
    parallelism: 2,
    state: { next: 7 },
    returned: splits('u'),
    assigned: [],
    ended: [],
  };

  test('the enumerator does too, from the checkpoint', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.discovered(assign([0, 'a0'], [1, 'a1']));
    expect(drive.restart([0, 1], snapshot)).toEqual(open);
    expect(drive.register(1)).toEqual([]);
    expect(drive.checkpoint(3).discovered).toBe(false);
  });

  test('one after the other: the enumerator does with the first of them, and only then', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.register(1);
    drive.discovered(assign([0, 'a0'], [1, 'a1']));
    drive.source.readersFailed([0, 1]);
    expect(drive.restart([1], snapshot)).toEqual(open);
    drive.register(1);
    expect(drive.restart([0], snapshot)).toBeUndefined();
  });
});

test('discovery is not repeated after a restore of one that was complete, unless it is asked for', () => {
  const complete = { discovered: true, state: {}, undelivered: [] };
  expect(new Drive().start(complete).source.wantsDiscovery).toBe(false);
  expect(new Drive().start(complete, 500).source.wantsDiscovery).toBe(true);
  expect(new Drive().start({ ...complete, discovered: false }).source.wantsDiscovery).toBe(true);
});

describe('a new leader (R4)', () => {
  const snapshot: EnumeratorSnapshot = { discovered: true, state: { next: 7 }, undelivered: splits('u') };
  const operatorId = operatorIdOf('a');
  const accepted = (...pairs: (readonly [string, number])[]): ReaderReport['accepted'] =>
    pairs.map(([id, afterCheckpoint]) => ({ split: { id }, afterCheckpoint }));
  const report = (requests: number, ...pairs: (readonly [string, number])[]): ReaderReport => ({
    operatorId,
    accepted: accepted(...pairs),
    requests,
    noMoreSplits: false,
  });
  const recovered = (): SourceCoordinator => {
    const source = new SourceCoordinator({ operatorId, config: {}, parallelism: 2 });
    source.recovering([0, 1], snapshot, 5);
    return source;
  };

  test('asks the enumerator nothing before it is known of each reader what it has', () => {
    const source = recovered();
    expect(source.postpones(requested(0))).toBe(true);
    source.readerReported(0, report(1, ['old', 4], ['s5', 5]));
    expect(source.takeRequests()).toEqual([]);
    source.readerReported(1, report(0, ['t6', 6]));
    expect(source.takeRequests()).toEqual([
      {
        kind: 'open',
        config: {},
        parallelism: 2,
        state: { next: 7 },
        returned: splits('u'),
        assigned: splits('s5', 't6'),
        ended: [],
      },
      { kind: 'reader-registered', subtask: 0, held: splits('s5') },
      { kind: 'reader-registered', subtask: 1, held: splits('t6') },
      requested(0),
      requested(0),
    ]);
    expect(source.postpones(requested(0))).toBe(false);
  });

  test('a reader that starts anew gets back what no checkpoint covers, also from before the change', () => {
    const source = recovered();
    source.readerReported(0, report(0, ['old', 4], ['s5', 5]));
    source.readerReported(1, undefined);
    expect(source.readersRestarted([0], snapshot, 9)).toEqual({ kind: 'splits-returned', splits: splits('s5') });
  });

  test('a reader that nobody runs any more starts anew: its splits are in the snapshot', () => {
    const source = recovered();
    source.readerReported(0, report(0, ['s5', 5]));
    expect(source.readersRestarted([1], snapshot, 9)).toBeUndefined();
    expect(source.takeRequests()).toMatchObject([
      { kind: 'open', assigned: splits('s5') },
      { kind: 'reader-registered', subtask: 0 },
    ]);
  });

  test('a reader that starts anew before it is known of the others what they have, and then again, gives back nothing of before', () => {
    const source = recovered();
    source.readerReported(0, report(0, ['s5', 5]));
    source.readersFailed([0]);
    expect(source.readersRestarted([0], snapshot, 9)).toBeUndefined();
    source.readerReported(1, undefined);
    // 's5' is free in the snapshot: somebody may have it by now.
    expect(source.takeRequests()).toMatchObject([{ kind: 'open', assigned: [] }]);
    expect(source.readersRestarted([0], snapshot, 12)).toBeUndefined();
  });

  test('all readers start anew: so does the enumerator', () => {
    const source = recovered();
    expect(source.readersRestarted([0, 1], snapshot, 9)).toMatchObject({ kind: 'open', assigned: [] });
    expect(source.takeRequests()).toEqual([]);
  });

  test('a reader whose connection broke gets again what it did not get', () => {
    const drive = new Drive().start();
    drive.register(0);
    drive.discovered(assign([0, 's0'], [0, 's1']));
    drive.decide(requested(0), { noMoreSplits: [0] });
    expect(shown(drive.source.readerReported(0, report(1, ['s0', 0])))).toEqual(['0: s1', '0: no-more-splits']);
    expect(drive.source.takeRequests()).toEqual([]);
  });
});
