import type { Connection } from './connection.ts';
import { JuteWriter } from './jute-writer.ts';
import type { Operation } from './operation.ts';
import { request, type Reply, type Request } from './request.ts';
import { OP } from './wire-codes.ts';

export interface Identity {
  readonly body: Uint8Array;
  /** Until it is accepted for the first time. */
  operation: Operation<void> | undefined;
}

/** Who the session is, in schemes of the ensemble; handed in on each connection. */
export class Identities {
  #identities: Identity[] = [];

  request(scheme: string, credentials: Uint8Array): Request<void> {
    const body = new JuteWriter().int(0).string(scheme).buffer(credentials).take();
    return request(OP.auth, 'addAuth', undefined, body, () => {});
  }

  add(operation: Operation<void>): Identity {
    const identity = { body: operation.request.body, operation };
    this.#identities.push(identity);
    // Who was told that it failed does not expect it to work later.
    operation.promise.catch(() => {
      this.#identities = this.#identities.filter((each) => each !== identity);
    });
    return identity;
  }

  /** Those of the session, in the order in which they came. `refused`: the ensemble does not accept one of them. */
  handInAll(connection: Connection, refused: () => void): void {
    for (const identity of this.#identities) {
      this.handIn(identity, connection, refused);
    }
  }

  handIn(identity: Identity, connection: Connection, refused: () => void): void {
    identity.operation?.sent();
    connection.identify(identity.body, {
      answered: (reply: Reply) => {
        const { operation } = identity;
        identity.operation = undefined;
        operation?.answered(reply);
        if (reply.error !== 0) {
          refused();
        }
      },
      // The next connection gets it.
      lost: () => {},
    });
  }

  clear(): void {
    this.#identities = [];
  }
}
