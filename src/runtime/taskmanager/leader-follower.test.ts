import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Fence } from '../../foundation/common/fence.ts';
import { checkpointId } from '../../foundation/common/ids.ts';
import { contextOf, FakeLeader } from './test-support/fake-leader.ts';
import { fence, FollowerWorld, TASK } from './test-support/follower-world.ts';
import { deploymentOf, idOf } from './test-support/fake-threads.ts';

describe('a TaskManager and its leader', () => {
  test('registers with all that it has, and streams what changes after it', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    expect(leader.registrations).toMatchObject([{ fence: fence(1), attempts: [], registration: { slots: 2 } }]);
    await world.deploy(leader);
    world.threads.state(0, idOf(TASK), 'RUNNING');
    world.threads.reports(0, { kind: 'ended', attempt: idOf(TASK) });
    await world.until(() => leader.received.length >= 4);
    expect(leader.received.filter((line) => line !== 'heartbeat')).toEqual([
      'register',
      'state RUNNING for epoch 1',
      'ended for epoch 1',
    ]);
  });

  test('R15: a leader that is replaced before it has answered gets nothing more; the next one gets everything', async () => {
    const world = new FollowerWorld();
    const first = await world.follow(fence(1));
    await world.deploy(first);
    const second = await world.leader(fence(2));
    second.answering = new Promise(() => {});
    world.retrieval.name(second.information);
    await world.until(() => second.received.length === 1, 'the table');
    world.threads.state(0, idOf(TASK), 'INITIALIZING');
    const third = await world.replace(fence(3));
    world.threads.state(0, idOf(TASK), 'RUNNING');
    await world.until(() => third.received.includes('state RUNNING for epoch 3'));
    expect(third.received[0]).toBe('register INITIALIZING');
    expect(second.closed).toHaveLength(1);
    expect(second.received.join()).not.toContain('RUNNING');
    expect(second.connection!.send('deploy', { fence: fence(2), deployments: [] })).toBe(false);
  });

  test('sends the numbers of each job apart', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    const metrics = ['a/1', 'b/1', 'a/2'].map((attempt) => ({ attempt })) as never;
    world.threads.at(0).events.report({
      kind: 'metrics',
      metrics,
      memory: { heapUsedBytes: 0, arrayBufferBytes: 0 },
    });
    await world.until(() => leader.received.includes('metrics b 1'));
    expect(leader.received).toContain('metrics a 2');
  });

  test('R15: nothing slips between the table and the changes after it', async () => {
    const world = new FollowerWorld();
    const first = await world.follow(fence(1));
    await world.deploy(first);
    world.threads.state(0, idOf(TASK), 'INITIALIZING');
    const second = await world.leader(fence(2));
    // The task changes at whatever moment of the turn to the next leader; each change is in the table, or comes after it.
    let release = (): void => {};
    second.answering = new Promise((resolve) => {
      release = resolve;
    });
    world.retrieval.name(second.information);
    world.threads.state(0, idOf(TASK), 'RUNNING');
    await world.until(() => second.received.length === 1, 'the table');
    world.threads.reports(0, { kind: 'ended', attempt: idOf(TASK) });
    world.threads.state(0, idOf(TASK), 'FINISHED');
    await world.until(() => second.received.length === 3, 'the changes');
    expect(second.received).toEqual(['register RUNNING', 'ended for epoch 2', 'state FINISHED for epoch 2']);
    expect(second.registrations[0]?.attempts[0]).toMatchObject({ state: 'RUNNING', ended: false });
    release();
    await world.until(() => world.follower.following?.epoch === 2);
  });

  test('tells new data ports in order with everything else', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    await world.deploy(leader);
    world.follower.located([{ instanceId: 'tm-instance', thread: 0, host: 'h', port: 1 }]);
    world.threads.state(0, idOf(TASK), 'RUNNING');
    await world.until(() => leader.received.includes('state RUNNING for epoch 1'));
    expect(leader.received.indexOf('locations')).toBeLessThan(leader.received.length - 1);
  });

  test('commands that come twice are carried out once', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    await world.deploy(leader);
    leader.connection!.send('deploy', { fence: leader.fence, deployments: [TASK] });
    const operatorId = 'o' as never;
    for (let i = 0; i < 2; i++) {
      const command = { kind: 'splits' as const, operatorId, splits: [{ id: 's' }] };
      leader.connection!.send('command', { fence: leader.fence, attempt: idOf(TASK), command });
    }
    await world.settled(leader.connection!.call('ping', { fence: leader.fence }));
    expect(world.threads.deployed(0)).toHaveLength(1);
    const splits = world.threads.commands(0).flatMap((command) => (command.kind === 'splits' ? command.splits : []));
    expect(splits).toEqual([{ id: 's' }]);
  });

  test('I2: the deposed leader is not obeyed, on its old connection or another', async () => {
    const world = new FollowerWorld();
    const first = await world.follow(fence(1));
    const old = first.connection!;
    const second = await world.replace(fence(2));
    expect(old.send('deploy', { fence: fence(1), deployments: [TASK] })).toBe(false);
    second.connection!.send('deploy', { fence: fence(1), deployments: [TASK] });
    const ping = (own: Fence) => world.settled(second.connection!.call('ping', { fence: own }));
    expect(await ping(fence(2))).toEqual({ fence: fence(2) });
    await expect(ping(fence(1))).rejects.toMatchObject({ code: 'FENCED' });
    expect(world.threads.deployed(0)).toEqual([]);
    expect(world.log).toContain('Refused a command of epoch 1: epoch 2 leads');
    // A store that is read late changes nothing.
    world.retrieval.name(first.information);
    await world.pass(1_000);
    expect(world.follower.following).toEqual(fence(2));
    expect(first.registrations).toHaveLength(1);
  });

  test('R12: a leader that was granted a higher epoch gets the table before its commands count', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    leader.connection!.send('deploy', { fence: fence(5), deployments: [TASK] });
    await world.until(() => leader.closed.length === 1, 'the close');
    expect(world.threads.deployed(0)).toEqual([]);
    expect(world.fence.known).toEqual(fence(5));
    // Epoch 1 is not followed any more, though the store still names it.
    await world.pass(1_000);
    expect(leader.registrations).toHaveLength(1);
    const raised = await world.replace(fence(5));
    await world.deploy(raised);
  });

  test('R12: a leader hears who led under its epoch before, if that was another', async () => {
    const world = new FollowerWorld();
    await world.follow(fence(5));
    world.network.crash('jm-l-5');
    await world.until(() => world.follower.following === undefined, 'the loss');
    const again = new FakeLeader(fence(5));
    await again.listen(world.network.transport('again', contextOf(world.clock, 'jobmanager', 'again')));
    again.refusals.push(new MillraceError('FENCED', 'another one led', { retryable: true }));
    world.retrieval.name({ ...again.information, leadership: { ...again.information.leadership, sessionId: 'again' } });
    await world.until(() => again.registrations.length === 1, 'the registration');
    expect(again.registrations).toMatchObject([{ fence: fence(5), leader: 'jm-l-5-instance' }]);
    const raised = await world.replace(fence(6));
    expect(raised.registrations[0]).not.toHaveProperty('leader');
  });

  test('R12: a leader that the store goes on naming hears that there was a later epoch', async () => {
    const world = new FollowerWorld();
    await world.follow(fence(5));
    const older = await world.leader(fence(2));
    older.refusals.push(new MillraceError('FENCED', 'epoch 5 was heard of', { retryable: true }));
    world.retrieval.name(older.information);
    await world.pass(5_000);
    // Who leads is not left for another.
    expect(world.follower.following).toEqual(fence(5));
    world.network.crash('jm-l-5');
    await world.until(() => older.registrations.length === 1, 'the registration');
    expect(older.registrations).toMatchObject([{ fence: fence(5) }]);
    const raised = await world.replace(fence(6));
    expect(raised.registrations).toHaveLength(1);
  });

  test('another leader may make itself known by a ping', async () => {
    const world = new FollowerWorld();
    const first = await world.follow(fence(1));
    expect(() => world.follower.ping(fence(0))).toThrow(/deposed/);
    expect(() => world.follower.ping(fence(7, 'other'))).toThrow(/HA store/);
    expect(world.follower.ping(fence(1))).toEqual(fence(1));
    const second = await world.leader(fence(2));
    world.retrieval.current = second.information;
    expect(world.follower.ping(fence(2))).toEqual(fence(2));
    await world.until(() => second.registrations.length === 1, 'the registration');
    expect(first.closed).toHaveLength(1);
  });

  test('a lost connection to the same leader brings the full table again', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    await world.deploy(leader);
    world.network.break('tm', 'jm-l-1');
    world.threads.state(0, idOf(TASK), 'RUNNING');
    await world.until(() => leader.registrations.length === 2, 'the second registration');
    expect(leader.received.filter((line) => line !== 'heartbeat')).toEqual(['register', 'register RUNNING']);
    expect(world.threads.commands(0)).toEqual([]);
  });

  test('a registration that is refused is repeated; one that takes its time is waited for, up to a limit', async () => {
    const world = new FollowerWorld();
    const leader = await world.leader(fence(1));
    leader.refusals.push(new MillraceError('FENCED', 'it does not lead yet', { retryable: true }));
    world.retrieval.name(leader.information);
    const answer = Promise.withResolvers<void>();
    world.follower.start();
    await world.until(() => leader.registrations.length === 1, 'the first registration');
    leader.answering = answer.promise;
    await world.until(() => leader.registrations.length === 2, 'the second registration');
    await world.pass(5_000);
    expect(leader.registrations).toHaveLength(2);
    leader.answering = undefined;
    await world.pass(25_000);
    await world.until(() => leader.registrations.length === 3, 'the third registration');
    await world.until(() => world.log.some((line) => line.startsWith('Registered')));
    expect(world.follower.following).toEqual(fence(1));
  });

  test('a report that is too long for a message is told in short', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    await world.deploy(leader);
    const long = 'x'.repeat(11 * 1024 * 1024);
    world.threads.reports(0, {
      kind: 'acknowledge',
      attempt: idOf(TASK),
      checkpointId: checkpointId(1),
      state: { operators: [long] } as never,
      final: false,
      alignmentMs: 0,
      syncMs: 0,
      asyncMs: 0,
      writtenBytes: 0,
    });
    const error = { name: 'Error', message: long };
    world.threads.reports(0, { kind: 'state', attempt: idOf(TASK), state: 'FAILED', error });
    await world.until(() => leader.received.some((line) => line.includes('FAILED')));
    expect(leader.received.filter((line) => line !== 'heartbeat')).toEqual([
      'register',
      'decline for epoch 1',
      'state FAILED for epoch 1',
    ]);
    expect(leader.closed).toEqual([]);
  });
});

describe('R12: another lineage', () => {
  test('is learned from the store only; then what runs is ended and was never here', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(9));
    await world.deploy(leader);
    leader.connection!.send('deploy', { fence: fence(1, 'other'), deployments: [deploymentOf('b', 1)] });
    await world.until(() => leader.registrations.length === 2, 'the second registration');
    expect(world.threads.started.every(({ terminated }) => !terminated)).toBe(true);
    expect(leader.registrations[1]?.attempts).toHaveLength(1);
    const other = await world.replace(fence(1, 'other'));
    expect(other.registrations).toMatchObject([{ fence: fence(1, 'other'), attempts: [] }]);
    expect(world.threads.started.map(({ terminated }) => terminated)).toEqual([true, false]);
    expect(leader.closed).toHaveLength(2);
  });
});

describe('without a leader', () => {
  const alone = async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    await world.deploy(leader);
    world.threads.state(0, idOf(TASK), 'RUNNING');
    world.retrieval.name(undefined);
    world.network.crash('jm-l-1');
    await world.until(() => world.follower.following === undefined, 'the loss');
    return world;
  };

  test('R10: alignments are limited after 100 ms, until a leader is there', async () => {
    const world = await alone();
    await world.pass(99);
    expect(world.limits()).toEqual([]);
    await world.pass(1);
    expect(world.limits()).toEqual([100]);
    await world.replace(fence(2));
    expect(world.limits()).toEqual([100, undefined]);
  });

  test('tasks go on, and are cancelled after the absence timeout; the next leader hears how they ended', async () => {
    const world = await alone();
    await world.pass(59_000);
    expect(world.threads.commands(0)).toEqual([]);
    await world.pass(1_000);
    expect(world.threads.commands(0)).toEqual([{ kind: 'cancel' }]);
    world.threads.state(0, idOf(TASK), 'CANCELED');
    await world.pass(1_000_000);
    const next = await world.replace(fence(2));
    expect(next.received[0]).toBe('register CANCELED');
    expect(world.gaveUp).toEqual([]);
  });

  test('a leader that is silent is left, and the store asked again', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    world.network.cut('jm-l-1', 'tm');
    const { reads } = world.retrieval;
    await world.until(() => world.follower.following === undefined, 'the close');
    expect(world.log.some((line) => line.includes('heartbeat.timeout'))).toBe(true);
    expect(world.retrieval.reads).toBeGreaterThan(reads);
    expect(leader.received.filter((line) => line === 'heartbeat').length).toBeGreaterThan(3);
    await world.replace(fence(2));
  });

  test('one that is heard now and then is kept', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    for (let i = 0; i < 10; i++) {
      leader.connection!.send('heartbeat', undefined);
      await world.pass(3_000);
    }
    expect(leader.registrations).toHaveLength(1);
    expect(leader.closed).toEqual([]);
  });

  test('one that finds no leader says that it waits for one, once', async () => {
    const world = new FollowerWorld();
    const said = (): number => world.log.filter((line) => line.startsWith('Waiting for a leading JobManager')).length;
    world.follower.start();
    await world.pass(5_000);
    expect(said()).toBe(1);
    const leader = await world.leader(fence(1));
    world.retrieval.name(leader.information);
    await world.until(() => leader.received.length > 0, 'the registration');
    expect(said()).toBe(1);
  });

  test('a process that never finds a leader gives up, and says what it waited for', async () => {
    const world = new FollowerWorld();
    world.follower.start();
    await world.pass(99_999);
    expect(world.gaveUp).toEqual([]);
    await world.pass(1);
    expect(world.gaveUp).toMatchObject([{ code: 'TIMEOUT', message: /taskmanager.registration.timeout.*names none/ }]);
    const late = await world.leader(fence(1));
    world.retrieval.name(late.information);
    await world.pass(1_000);
    expect(late.registrations).toEqual([]);
  });

  test('one that stops tells its leader, and leaves no timer', async () => {
    const world = new FollowerWorld();
    const leader = await world.follow(fence(1));
    world.follower.stop('it was told to');
    await world.until(() => leader.closed.length === 1, 'the close');
    expect(leader.closed[0]).toContain('it was told to');
    await world.pass(1);
    expect(world.clock.timerCount).toBe(0);
  });
});
