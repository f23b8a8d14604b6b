import { connect } from 'node:net';
import { FrameSplitter } from '../../coordination/zookeeper/client/frame-splitter.ts';
import { readWelcome, writeHello } from '../../coordination/zookeeper/client/handshake.ts';
import { JuteWriter } from '../../coordination/zookeeper/client/jute-writer.ts';
import { OP } from '../../coordination/zookeeper/client/wire-codes.ts';
import type { ServerName } from '../../coordination/zookeeper/client/connect-string.ts';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import type { ServerAnswer, ServerSettings } from '../../foundation/config/check/check-facts.ts';
import { lookUpHosts } from './look-up-hosts.ts';

export interface Questions {
  /** Of each look-up, connection and answer. */
  readonly timeoutMs: number;
  /** What the processes of the cluster will ask for. */
  readonly sessionTimeoutMs: number;
}

const ANSWER_BYTES_MAX = 64 * 1024;

/** What each server says of itself, in their order; who is silent says nothing, and that is in the answer. */
export const askZooKeeper = async (
  servers: readonly ServerName[],
  questions: Questions,
): Promise<readonly ServerAnswer[]> => {
  const addresses = await lookUpHosts(
    servers.map(({ host }) => host),
    questions.timeoutMs,
  );
  return Promise.all(servers.map(({ host, port }) => askServer(addresses.get(host), port, questions)));
};

const askServer = async (
  address: string | null | undefined,
  port: number,
  questions: Questions,
): Promise<ServerAnswer> => {
  if (address === undefined || address === null) {
    const failure = address === undefined ? 'the name servers do not answer' : 'nobody knows a host of this name';
    return { failure, mode: undefined, settings: undefined, grantedTimeoutMs: undefined };
  }
  const { timeoutMs } = questions;
  let mode: string | undefined;
  let settings: ServerSettings | undefined;
  let grantedTimeoutMs: number | undefined;
  try {
    mode = modeOf(await ask(address, port, 'srvr', timeoutMs));
    settings = settingsOf(await ask(address, port, 'conf', timeoutMs));
    if (settings !== undefined) {
      return { failure: undefined, mode, settings, grantedTimeoutMs };
    }
    // Whoever may not ask for the settings may still ask for a session.
    grantedTimeoutMs = await grantedTimeout(address, port, questions);
    const failure = 'it does not answer conf, so that its syncLimit is not known';
    return { failure, mode, settings, grantedTimeoutMs };
  } catch (thrown) {
    return { failure: messageOf(thrown), mode, settings, grantedTimeoutMs };
  }
};

/** What a server answers to a command of four letters, which it ends by closing the connection. */
const ask = (address: string, port: number, command: string, timeoutMs: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, address, () => socket.write(command));
    const timer = setTimeout(() => socket.destroy(silent(timeoutMs)), timeoutMs);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      if (answer.length > ANSWER_BYTES_MAX) {
        socket.destroy(new MillraceError('PROTOCOL', 'it answers with too much to be a ZooKeeper server'));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      if (answer === '') {
        reject(new MillraceError('PROTOCOL', `it closed the connection without an answer to ${command}`));
      } else if (/not currently serving requests/.test(answer)) {
        reject(new MillraceError('UNREACHABLE', 'it does not serve, for it has no majority of its ensemble'));
      } else {
        resolve(answer);
      }
    });
  });

const silent = (timeoutMs: number): MillraceError =>
  new MillraceError('TIMEOUT', `it does not answer within ${timeoutMs} ms`);

const modeOf = (answer: string): string | undefined => /^Mode: (\w+)/m.exec(answer)?.[1];

/** `undefined`: the server is not allowed to answer. */
export const settingsOf = (answer: string): ServerSettings | undefined => {
  const number = (name: string): number | undefined => {
    const text = new RegExp(`^${name}=(-?\\d+)\\s*$`, 'm').exec(answer)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  const tickTimeMs = number('tickTime');
  if (tickTimeMs === undefined) {
    return undefined;
  }
  const members = answer.match(/^server\.\d+=.*$/gm) ?? [];
  return {
    tickTimeMs,
    minSessionTimeoutMs: number('minSessionTimeout') ?? -1,
    maxSessionTimeoutMs: number('maxSessionTimeout') ?? -1,
    syncLimit: number('syncLimit'),
    voters: members.length === 0 ? undefined : members.filter((line) => !/:observer\b/.test(line)).length,
  };
};

/** Opens a session and closes it at once. */
const grantedTimeout = (address: string, port: number, { timeoutMs, sessionTimeoutMs }: Questions): Promise<number> =>
  new Promise((resolve, reject) => {
    const hello = writeHello({ seenZxid: 0n, timeoutMs: sessionTimeoutMs, sessionId: 0n, password: new Uint8Array() });
    const socket = connect(port, address, () => socket.write(framed(hello)));
    const timer = setTimeout(() => socket.destroy(silent(timeoutMs)), timeoutMs);
    const frames = new FrameSplitter(ANSWER_BYTES_MAX);
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk);
        const frame = frames.next();
        if (frame !== undefined) {
          resolve(readWelcome(frame).timeoutMs);
          socket.end(framed(new JuteWriter().int(1).int(OP.closeSession).take()));
        }
      } catch (thrown) {
        socket.destroy(new MillraceError('PROTOCOL', `its answer cannot be read: ${messageOf(thrown)}`));
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      reject(new MillraceError('PROTOCOL', 'it closed the connection instead of opening a session'));
    });
  });

const framed = (message: Uint8Array): Uint8Array =>
  Buffer.concat([new Uint8Array(new JuteWriter().int(message.length).take()), message]);
