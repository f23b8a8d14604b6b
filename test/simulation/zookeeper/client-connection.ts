import type { Clock } from '../../../src/foundation/common/clock.ts';
import { Link } from './link.ts';
import type { Request, ToClient } from './messages.ts';
import type { Attached, Ensemble } from './ensemble.ts';
import type { Server } from './server.ts';
import type { Attachment } from './messages.ts';
import type { ServerConnection } from './server-connection.ts';

export interface ClientConnectionOptions {
  readonly ensemble: Ensemble;
  /** Of the world: what is on the wire goes on while the client stands still. */
  readonly worldClock: Clock;
  readonly clientClock: Clock;
  readonly delayMs: () => number;
  /** Whether messages get through between the client and that server now. */
  readonly reaches: () => boolean;
  readonly heard: (message: ToClient) => void;
  /** The connection is gone, whoever ended it. */
  readonly lost: () => void;
}

/** A connection as its client has it. A message that does not get through is the end of it, which nobody is told. */
export class ClientConnection {
  readonly #options: ClientConnectionOptions;
  readonly #toServer: Link<Request>;
  readonly #toClient: Link<ToClient>;
  #server: ServerConnection | undefined;
  #isOver = false;
  #isDead = false;

  constructor(options: ClientConnectionOptions) {
    this.#options = options;
    const { worldClock, clientClock, delayMs, heard } = options;
    this.#toServer = new Link(worldClock, delayMs, (request) => this.#server?.receive(request));
    this.#toClient = new Link(clientClock, delayMs, (message) => {
      if (!this.#isOver) {
        heard(message);
      }
    });
  }

  /** Called when the message has reached the server. */
  attach(server: Server, attachment: Attachment): Attached {
    const attached = this.#options.ensemble.attach(
      server,
      attachment,
      (message) => this.#through(() => this.#toClient.send(message)),
      () => this.#through(() => this.#options.clientClock.after(this.#options.delayMs(), () => this.#lose())),
    );
    if (attached.kind === 'attached') {
      this.#server = attached.connection;
    }
    return attached;
  }

  send(request: Request): void {
    this.#through(() => this.#toServer.send(request));
  }

  /** The client gives it up: of what it sent, as many as `kept` says arrive at the server, and then at its leader. */
  close(kept: { readonly atServer: number; readonly atLeader: number }): void {
    this.#isOver = true;
    this.#toServer.cut(kept.atServer);
    if (this.#server !== undefined) {
      this.#options.ensemble.left(this.#server, kept.atLeader);
    }
  }

  get onTheWay(): { readonly atServer: number; readonly atLeader: number } {
    return { atServer: this.#toServer.onTheWay, atLeader: this.#server?.onTheWay ?? 0 };
  }

  #lose(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#options.lost();
    }
  }

  #through(act: () => void): void {
    this.#isDead ||= !this.#options.reaches();
    if (!this.#isDead) {
      act();
    }
  }
}
