import type { Connection } from './connection.ts';
import type { Identities } from './identities.ts';
import { messageOf } from '../../../foundation/common/errors.ts';
import { JuteWriter } from './jute-writer.ts';
import { request, type Reply, type Request } from './request.ts';
import type { SaslMechanism } from './sasl.ts';
import type { SessionWatches } from './session-watches.ts';
import { OP } from './wire-codes.ts';
import { ZooKeeperError } from './zookeeper-error.ts';

export interface ConnectionSetupOptions {
  readonly sasl: SaslMechanism | undefined;
  readonly identities: Identities;
  readonly watches: SessionWatches;
  /** The transaction until which watches have heard of everything. */
  readonly since: bigint;
  /** The ensemble does not accept who this is. */
  readonly refused: () => void;
  /** Operations may be sent. */
  readonly ready: () => void;
  /** Watches have heard of everything again. */
  readonly caughtUp: () => void;
  /** The connection is no use. */
  readonly failed: (problem: string) => void;
  /** With the error of each answer. */
  readonly heed: (error: number) => void;
}

/**
 * What comes before operations on a new connection: who the session is, then its watches. Operations may follow at once, unless something
 * has to be answered first: proofs of who it is, and what lasting watches missed, which has to be told before an answer shows it.
 */
export class ConnectionSetup {
  readonly #connection: Connection;
  readonly #options: ConnectionSetupOptions;
  #hasIdentified = false;
  #isCaughtUp = false;

  constructor(connection: Connection, options: ConnectionSetupOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** The identities of the session were handed in. */
  get hasIdentified(): boolean {
    return this.#hasIdentified;
  }

  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  start(): void {
    const { sasl } = this.#options;
    if (sasl === undefined) {
      this.#identify();
      return;
    }
    this.#prove(sasl).then(
      () => this.#identify(),
      (error: unknown) => {
        if (error instanceof ZooKeeperError && error.code === 'CONNECTION_LOSS') {
          return;
        }
        if (error instanceof ZooKeeperError && error.code === 'PROTOCOL') {
          this.#options.failed(error.message);
        } else {
          // Refused by the server, or the server is not who it should be.
          this.#options.refused();
        }
      },
    );
  }

  async #prove(sasl: SaslMechanism): Promise<void> {
    const exchange = sasl.begin();
    for (let token: Uint8Array | undefined = exchange.first; token !== undefined;) {
      const body = new JuteWriter().buffer(token).take();
      const challenge = await this.#ask(request(OP.sasl, 'sasl', undefined, body, (reader) => reader.buffer()));
      token = exchange.answer(challenge);
    }
  }

  #identify(): void {
    const { identities, watches, since, refused, ready, failed } = this.#options;
    this.#hasIdentified = true;
    identities.handInAll(this.#connection, refused);
    const set = Promise.all(watches.setAgain(since).map((each) => this.#ask(each)));
    const comparing = watches.compare((each) => this.#ask(each), since);
    if (comparing === undefined) {
      ready();
    }
    Promise.all([set, comparing]).then(
      () => {
        this.#isCaughtUp = true;
        this.#options.caughtUp();
        if (comparing !== undefined) {
          ready();
        }
      },
      (error: unknown) => {
        if (!(error instanceof ZooKeeperError && error.code === 'CONNECTION_LOSS')) {
          failed(messageOf(error));
        }
      },
    );
  }

  #ask<T>(each: Request<T>): Promise<T> {
    const { name, path } = each;
    return new Promise((resolve, reject) => {
      const answered = (reply: Reply): void => {
        try {
          resolve(each.read(reply));
        } catch (error) {
          if (!(error instanceof ZooKeeperError)) {
            throw error;
          }
          reject(error);
        }
        this.#options.heed(reply.error);
      };
      const lost = (problem: string, isUnreadable: boolean): void =>
        reject(new ZooKeeperError(isUnreadable ? 'PROTOCOL' : 'CONNECTION_LOSS', name, path, problem));
      each.beforeSend?.();
      this.#connection.ask(each.op, each.body, { answered, lost });
    });
  }
}
