import type { Clock } from '../../../foundation/common/clock.ts';
import type { ServerName } from '../client/connect-string.ts';
import { verdictOf, type EnsembleVerdict } from './ensemble-verdict.ts';
import { askServer } from './ask-server.ts';
import { parseMonitor, parseServer, type ServerAnswer } from './server-answer.ts';
import type { ServerStatus } from './server-status.ts';
import { speaksTls } from './speaks-tls.ts';

export interface EnsembleStatus extends EnsembleVerdict {
  readonly servers: readonly ServerStatus[];
}

export interface EnsembleQuestion {
  readonly servers: readonly ServerName[];
  readonly clock: Clock;
  /** Of each question to a server; one that is silent is asked twice, one that answers twice too. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 2_000;

/** Asks all servers of an ensemble at the same time, each by plain words; takes two timeouts at most, and never rejects. */
export const askEnsemble = async ({
  servers,
  clock,
  timeoutMs = TIMEOUT_MS,
}: EnsembleQuestion): Promise<EnsembleStatus> => {
  const distinct = new Map(servers.map((server) => [addressOf(server), server]));
  const asked = await Promise.all(
    [...distinct].map(async ([address, server]) => ({ address, ...(await statusOf(server, { clock, timeoutMs })) })),
  );
  const furthest = asked.reduce<bigint>((most, { zxid = 0n }) => (zxid > most ? zxid : most), 0n);
  const statuses = asked.map(({ zxid, ...rest }): ServerStatus =>
    zxid === undefined ? rest : { ...rest, zxid: `0x${zxid.toString(16)}`, behind: transactionsBehind(zxid, furthest) },
  );
  return { ...verdictOf(statuses), servers: statuses };
};

const addressOf = ({ host, port }: ServerName): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

type Asked = Omit<ServerStatus, 'address' | 'zxid' | 'behind'> & { readonly zxid?: bigint };

type Limits = Pick<Required<EnsembleQuestion>, 'clock' | 'timeoutMs'>;

const statusOf = async (server: ServerName, limits: Limits): Promise<Asked> => {
  const { timeoutMs } = limits;
  const answer = await askServer({ ...server, ...limits, bytes: 'srvr' });
  switch (answer.kind) {
    case 'unreachable':
      return { mode: 'unreachable', detail: answer.reason };
    case 'silent':
    case 'closed':
      if (await speaksTls({ ...server, ...limits })) {
        return {
          mode: 'tls-only',
          detail: 'the port speaks TLS, and the words are plain: name its plain port to ask it',
        };
      }
      return {
        mode: 'unreachable',
        detail:
          answer.kind === 'silent'
            ? `took the connection and did not answer within ${timeoutMs} ms: frozen, or cut off`
            : 'closed the connection without an answer',
      };
    case 'text':
      return withMonitor(parseServer(answer.text), server, limits);
  }
};

const withMonitor = async (said: ServerAnswer, server: ServerName, limits: Limits): Promise<Asked> => {
  if (said.kind === 'serves' || said.kind === 'refused') {
    const answer = await askServer({ ...server, ...limits, bytes: 'mntr' });
    const more: ServerAnswer = answer.kind === 'text' ? parseMonitor(answer.text) : { kind: 'refused' };
    if (said.kind === 'serves') {
      // Between two answers it may have changed sides; then what it leads is of no use.
      const isSame = more.kind === 'serves' && more.figures.mode === said.figures.mode;
      return { ...said.figures, ...(isSame ? more.monitored : {}) };
    }
    return withoutServer(more);
  }
  return withoutServer(said);
};

const withoutServer = (said: ServerAnswer): Asked => {
  switch (said.kind) {
    case 'serves':
      return { ...said.figures, ...said.monitored };
    case 'not-serving':
      return { mode: 'not-serving', detail: 'it runs, and no leader serves it' };
    case 'refused':
      return { mode: 'refuses-words', detail: 'srvr is not in its 4lw.commands.whitelist' };
    case 'not-understood':
      return { mode: 'not-understood', detail: `it answered '${said.beginning}': is it a ZooKeeper server?` };
  }
};

const COUNTER = 0xffff_ffffn;

/**
 * The upper half of a zxid is the epoch of a leader. A server that serves has all of the epochs before, whatever its own last
 * transaction is: what it lacks is of the newest one.
 */
const transactionsBehind = (zxid: bigint, furthest: bigint): number =>
  Number(zxid >> 32n === furthest >> 32n ? furthest - zxid : furthest & COUNTER);
