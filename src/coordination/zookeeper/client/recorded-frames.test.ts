import { describe, expect, test } from 'vitest';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import { mutate } from '../../../runtime/rpc/test-support/mutate.ts';
import { ClientWorld } from './test-support/client-world.ts';
import { rest, type FakeLink } from './test-support/fake-network.ts';
import { recordedConversation } from './test-support/recorded-conversation.ts';
import { playRecordedScript } from './test-support/recorded-script.ts';
import { OP, XID } from './wire-codes.ts';
import type { ZooKeeperClient } from './zookeeper-client.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

const { said, results } = recordedConversation();
const DATA = new Uint8Array([1, 2, 3]);

test('what a real server said is understood, and what it was asked is asked again to the byte', async () => {
  const world = new ClientWorld({ sessionTimeoutMs: 10_000 });
  await rest();
  const { link } = world.network;
  link.listener.opened();
  let at = 0;
  let isDone = false;
  const playing = playRecordedScript(world.client).then(async (lines) => {
    void world.client.close();
    isDone = true;
    return lines;
  });
  while (at < said.length) {
    await rest();
    const sent = link.takeFrames();
    expect([at, sent.length > 0]).toEqual([at, true]);
    for (const frame of sent) {
      // Answers may have been under way when it was sent.
      const next = said.findIndex(({ by }, index) => index >= at && by === 'client');
      expect([next, Buffer.from(frame).toString('hex')]).toEqual([next, said[next]?.frame.toString('hex')]);
      at = next + 1;
    }
    for (; said[at]?.by === 'server'; at++) {
      link.deliverFrame(said[at]!.frame);
    }
  }
  expect(await playing).toEqual(results);
  expect(isDone).toBe(true);
});

/** Operations by the type of their request, as the recorded script has them. */
const CALLS: readonly (readonly [number, (client: ZooKeeperClient) => Promise<unknown>])[] = [
  [OP.create2, (client) => client.create('/a', DATA)],
  [OP.createContainer, (client) => client.create('/a', DATA, { mode: 'container' })],
  [OP.getData, (client) => client.get('/a', () => {})],
  [OP.exists, (client) => client.exists('/a', () => {})],
  [OP.getChildren2, (client) => client.children('/a', () => {})],
  [OP.setData, (client) => client.set('/a', DATA)],
  [OP.delete, (client) => client.delete('/a')],
  [OP.getAcl, (client) => client.getAcl('/a')],
  [OP.setAcl, (client) => client.setAcl('/a', [])],
  [OP.sync, (client) => client.sync('/a')],
  [OP.whoAmI, (client) => client.whoAmI()],
  [OP.addWatch, (client) => client.addWatch('/recorded/c', 'persistent-recursive', () => {})],
  [OP.auth, (client) => client.addAuth('digest', DATA)],
  [
    OP.multi,
    (client) =>
      client.multi([
        { kind: 'check', path: '/a', version: 1 },
        { kind: 'create', path: '/a/x', data: DATA },
        { kind: 'set', path: '/a', data: DATA },
        { kind: 'create', path: '/a/y', data: DATA, options: { mode: 'container' } },
        { kind: 'delete', path: '/a/x' },
      ]),
  ],
  [
    OP.multiRead,
    (client) =>
      client.multiRead([
        { kind: 'get', path: '/a' },
        { kind: 'get', path: '/a/x' },
        { kind: 'children', path: '/a' },
      ]),
  ],
];

/** Replies of the recorded server to requests of each type. */
const repliesTo = (op: number): readonly Buffer[] => {
  const requests = said.filter(({ by, frame }, at) => at > 0 && by === 'client' && frame.readInt32BE(4) === op);
  const xids = new Set(requests.map(({ frame }) => frame.readInt32BE(0)));
  return said
    .filter(({ by, frame }, at) => at > 1 && by === 'server' && xids.has(frame.readInt32BE(0)))
    .map(({ frame }) => frame);
};
const replies = new Map(CALLS.map(([op]) => [op, repliesTo(op)]));
const welcome = said.find(({ by }) => by === 'server')!.frame;
const notifications = said
  .filter(({ by, frame }) => by === 'server' && frame !== welcome && frame.readInt32BE(0) === XID.notification)
  .map(({ frame }) => frame);

/** Mostly with a length that is right, so that the rest is read at all. */
const deliver = (link: FakeLink, frame: Uint8Array, random: Random): void => {
  if (random.int(8) > 0) {
    link.deliverFrame(mutate(frame, random));
    return;
  }
  const whole = Buffer.alloc(4 + frame.length);
  whole.writeInt32BE(frame.length);
  whole.set(frame, 4);
  link.deliver(mutate(whole, random));
};

/** A client whose connection is open, with one that a mutated welcome may have ended left behind. */
const opened = async (world: ClientWorld | undefined, random: Random): Promise<ClientWorld> => {
  for (let open = world ?? new ClientWorld(); ; open = new ClientWorld()) {
    await rest();
    if (open.client.state === 'connecting') {
      if (open.network.links.at(-1)?.isDestroyed ?? true) {
        // The longest pause.
        await open.pass(1_000, 1_000);
      }
      const { link } = open.network;
      link.listener.opened();
      if (random.int(20) === 0) {
        deliver(link, welcome, random);
        await rest();
        link.close();
      } else {
        link.deliverFrame(welcome);
      }
      await rest();
    }
    if (open.client.state === 'connected') {
      return open;
    }
    await open.client.close();
  }
};

describe('frames with other bytes', () => {
  const seed = Number(process.env['MILLRACE_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const mutations = Number(process.env['MILLRACE_FUZZ_MUTATIONS'] ?? 20_000);

  test(
    `settle each operation, with a value or an error of the client (MILLRACE_FUZZ_SEED=${seed})`,
    async () => {
      const random = seededRandom(seed);
      const counts = new Map<string, number>();
      const count = (end: string): unknown => counts.set(end, (counts.get(end) ?? 0) + 1);
      let world: ClientWorld | undefined;
      for (let round = 0; round < mutations; round++) {
        world = await opened(round % 500 === 0 ? undefined : world, random);
        const { client, network } = world;
        const { link } = network;
        link.take();
        const [op, call] = CALLS[random.int(CALLS.length)]!;
        let end: unknown;
        call(client).then(
          () => (end = 'ok'),
          (error: unknown) => (end = error),
        );
        await rest();
        const recorded = replies.get(op)!;
        const reply = Buffer.from(recorded[random.int(recorded.length)]!);
        reply.writeInt32BE(link.take()[0]!.xid, 0);
        if (random.int(4) === 0) {
          deliver(link, notifications[random.int(notifications.length)]!, random);
        }
        deliver(link, reply, random);
        await rest();
        if (end === undefined) {
          // No answer, or none yet: the end of the connection is the end of it.
          link.close();
          await rest();
          if (end === undefined) {
            // An identity waits for the next connection.
            await client.close();
            await rest();
          }
        }
        expect(end === 'ok' || end instanceof ZooKeeperError ? '' : String(end)).toBe('');
        count(end instanceof ZooKeeperError ? end.code : 'ok');
      }
      for (const usual of ['ok', 'PROTOCOL', 'CONNECTION_LOSS', 'SESSION_CLOSED']) {
        expect([usual, counts.get(usual) ?? 0]).not.toEqual([usual, 0]);
      }
    },
    60_000 + mutations,
  );
});
