import { beforeEach, describe, expect, test } from 'vitest';
import { present } from '../../../foundation/common/assert.ts';
import type { ErrorInfo } from '../../../foundation/common/errors.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { operatorIdOf } from '../test-support/test-graph.ts';
import type { EnumeratorAnswer, EnumeratorCall, EnumeratorRequest } from './enumerator-messages.ts';
import { UserCodeSupervisor } from './user-code-supervisor.ts';
import type { UserCodeEvents } from './user-code-thread.ts';

const TIMEOUT_MS = 90_000;

/** A port in memory: what is sent stays there, the test answers. */
class Port {
  readonly calls: EnumeratorCall[] = [];
  readonly events: UserCodeEvents;
  ended: 'no' | 'closed' | 'terminated' = 'no';

  constructor(events: UserCodeEvents) {
    this.events = events;
  }

  send(call: EnumeratorCall): void {
    this.calls.push(call);
  }

  close(): Promise<void> {
    this.ended = 'closed';
    return Promise.resolve();
  }

  terminate(): Promise<void> {
    this.ended = 'terminated';
    return Promise.resolve();
  }

  answer(call: number): void {
    this.events.answered({ call, knowing: call, result: { kind: 'decided', decision: {} } });
  }
}

let clock: ManualClock;
let ports: Port[];
let lost: ErrorInfo[];
let answers: EnumeratorAnswer[];
let supervisor: UserCodeSupervisor;

const port = (): Port => present(ports.at(-1), 'port');

const send = (call: number, source = 'topic', request: EnumeratorRequest = { kind: 'discover' }): void =>
  supervisor.send({ call, operatorId: operatorIdOf(source), request });

beforeEach(() => {
  clock = new ManualClock();
  ports = [];
  lost = [];
  answers = [];
  supervisor = new UserCodeSupervisor({
    clock,
    timeoutMs: TIMEOUT_MS,
    nameOf: (operatorId) => operatorId.slice(2),
    answered: (answer) => answers.push(answer),
    lost: (error) => lost.push(error),
    start: (events) => {
      const started = new Port(events);
      ports.push(started);
      return started;
    },
  });
});

describe('silence', () => {
  test('a call without an answer ends the thread, and names the source and what it was asked', () => {
    supervisor.start();
    port().events.ready();
    send(1, 'topic', { kind: 'snapshot', checkpointId: 3 });
    clock.advanceBy(TIMEOUT_MS - 1);
    expect(lost).toEqual([]);
    clock.advanceBy(1);
    expect(lost).toHaveLength(1);
    expect(lost[0]).toMatchObject({ code: 'TIMEOUT' });
    expect(lost[0]?.message).toMatch(
      /^the enumerator of source "topic" did not answer within 90000 ms .*: a checkpoint;/,
    );
    expect(port().ended).toBe('terminated');
  });

  test('of several sources the one is named that was asked first: the others wait for it', () => {
    supervisor.start();
    port().events.ready();
    send(1, 'first');
    clock.advanceBy(1);
    send(2, 'second');
    clock.advanceBy(TIMEOUT_MS);
    expect(lost.map(({ message }) => message)).toEqual([expect.stringContaining('"first"')]);
    expect(clock.timerCount).toBe(0);
  });

  test('answers in time, in any order, are none', () => {
    supervisor.start();
    port().events.ready();
    send(1);
    send(2);
    clock.advanceBy(TIMEOUT_MS - 1);
    port().answer(2);
    port().answer(1);
    clock.advanceBy(10 * TIMEOUT_MS);
    expect(lost).toEqual([]);
    expect(answers.map(({ call }) => call)).toEqual([2, 1]);
  });

  test('the time to load the job does not count', () => {
    send(1);
    clock.advanceBy(TIMEOUT_MS - 1);
    port().events.ready();
    clock.advanceBy(TIMEOUT_MS - 1);
    expect(lost).toEqual([]);
    clock.advanceBy(1);
    expect(lost[0]?.message).toContain('"topic"');
  });

  test('but has a limit of its own', () => {
    supervisor.start();
    clock.advanceBy(TIMEOUT_MS);
    expect(lost[0]?.message).toMatch(/^the thread of the job's enumerators did not load the job within 90000 ms/);
    expect(port().ended).toBe('terminated');
  });

  test('what a replaced enumerator was asked is forgotten', () => {
    supervisor.start();
    port().events.ready();
    send(1);
    supervisor.forget(operatorIdOf('topic'));
    clock.advanceBy(10 * TIMEOUT_MS);
    expect(lost).toEqual([]);
  });
});

describe('death', () => {
  const death: ErrorInfo = { name: 'MillraceError', code: 'WORKER_DIED', message: 'exit code 7' };

  test('is told once, and the next call starts another thread', () => {
    send(1);
    port().events.ready();
    port().events.died(death);
    clock.advanceBy(10 * TIMEOUT_MS);
    expect(lost).toEqual([death]);
    send(2);
    expect(ports).toHaveLength(2);
    expect(port().calls.map(({ call }) => call)).toEqual([2]);
  });

  test('what a thread says that was given up is not heard', () => {
    send(1);
    const old = port();
    old.events.ready();
    clock.advanceBy(TIMEOUT_MS);
    send(2);
    old.answer(1);
    old.events.died(death);
    expect(answers).toEqual([]);
    expect(lost).toHaveLength(1);
  });

  test('after the end nothing is started, sent or told', async () => {
    send(1);
    const closing = supervisor.close();
    port().events.died(death);
    send(2);
    await closing;
    clock.advanceBy(10 * TIMEOUT_MS);
    expect(port().ended).toBe('closed');
    expect([ports.length, lost, clock.timerCount]).toEqual([1, [], 0]);
  });
});
