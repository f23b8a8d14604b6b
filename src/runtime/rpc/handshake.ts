import { z } from 'zod';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { decodeHandshake, encodeHandshake, HANDSHAKE_BYTES_MAX } from './handshake-message.ts';
import type { HandshakeKind, HandshakeMessage } from './handshake-message.ts';
import { describePeer, helloSchema, refuseCluster, refuseVersion, type Hello } from './hello.ts';
import type { LinkEnd, LinkReceiver, MessageLink } from './message-link.ts';
import { describeClose } from './rpc-connection.ts';

const versionSchema = z.object({ packageVersion: z.string().max(256) });
const refusalSchema = z.object({ message: z.string(), retryable: z.boolean() });
const REASON_LENGTH_MAX = 2000;

export interface HandshakeOptions<T> {
  readonly link: MessageLink;
  readonly own: Hello;
  /** Whether the process is wanted; an error refuses it. */
  readonly judge: (peer: Hello) => T | Promise<T>;
  /** Both sides agree; whoever receives the link's messages from now on has to say so before this returns. */
  readonly agreed: (peer: Hello, judgement: T) => void;
  /** The link is ended or ending. `wasRefused`: by this side, after it understood the other. */
  readonly failed: (error: MillraceError, wasRefused: boolean) => void;
}

type State<T> =
  | { readonly kind: 'awaiting-hello' }
  | { readonly kind: 'judging' }
  | { readonly kind: 'awaiting-ready'; readonly peer: Hello; readonly judgement: T }
  | { readonly kind: 'over' };

/**
 * The hellos of one connection, as `side` sees them. Both check the other; the acceptor hands a connection over only when
 * the connector wants it too.
 */
export class Handshake<T> implements LinkReceiver {
  readonly #side: 'connector' | 'acceptor';
  readonly #options: HandshakeOptions<T>;
  #state: State<T> = { kind: 'awaiting-hello' };

  constructor(side: 'connector' | 'acceptor', options: HandshakeOptions<T>) {
    this.#side = side;
    this.#options = options;
  }

  get isOver(): boolean {
    return this.#state.kind === 'over';
  }

  /** The other side has said a hello that is understood. */
  get isGreeted(): boolean {
    return this.#state.kind === 'judging' || this.#state.kind === 'awaiting-ready';
  }

  start(): void {
    this.#options.link.deliver(this, HANDSHAKE_BYTES_MAX);
    if (this.#side === 'connector') {
      this.#writeHello();
    }
  }

  message(payload: Uint8Array): void {
    if (this.isOver) {
      return;
    }
    try {
      this.#received(decodeHandshake(payload, this.#options.link.remoteAddress));
    } catch (thrown) {
      this.abandon(asMillraceError(thrown));
    }
  }

  garbage(error: MillraceError): void {
    this.abandon(error);
  }

  ended(end: LinkEnd): void {
    if (end.kind === 'broken' && end.error instanceof MillraceError) {
      return this.abandon(end.error);
    }
    const { remoteAddress } = this.#options.link;
    const message =
      `no connection to ${remoteAddress}: before the hellos were done, ${describeClose(end)}; its log may say why ` +
      '(one reason is security.ssl.internal.enabled on one side only)';
    this.abandon(new MillraceError('CONNECTION_LOST', message, { retryable: true }));
  }

  /** Gives up without a word to the other side. */
  abandon(error: MillraceError): void {
    if (!this.isOver) {
      this.#state = { kind: 'over' };
      this.#options.link.destroy();
      this.#options.failed(error, false);
    }
  }

  #received(message: HandshakeMessage): void {
    const { own, link } = this.#options;
    if (message.kind === 'refusal') {
      const { message: reason, retryable } = refusalSchema.parse(message.body);
      const text = `${link.remoteAddress} refused this ${own.role}: ${reason}`;
      return this.abandon(new MillraceError('HELLO_REFUSED', text, { retryable }));
    }
    const { data } = versionSchema.safeParse(message.body);
    const version = {
      protocolVersion: message.protocolVersion,
      packageVersion: data?.packageVersion ?? 'of an unknown version',
    };
    const refusal = refuseVersion(own, version, link.remoteAddress);
    if (refusal !== undefined) {
      return this.#refuse(refusal);
    }
    this.#advance(message);
  }

  #advance({ kind, protocolVersion, body }: HandshakeMessage): void {
    const { link, own, judge } = this.#options;
    const state = this.#state;
    if (state.kind === 'awaiting-hello' && kind === 'hello') {
      const peer: Hello = { protocolVersion, ...helloSchema.parse(body) };
      const refusal = refuseCluster(own, peer, link.remoteAddress);
      if (refusal !== undefined) {
        return this.#refuse(refusal, peer);
      }
      this.#state = { kind: 'judging' };
      const judgement = this.#refusing(peer, () => judge(peer));
      if (judgement instanceof Promise) {
        judgement.then(
          (settled) => this.#judged(peer, settled),
          (thrown: unknown) => this.#refuse(asMillraceError(thrown), peer),
        );
      } else if (judgement !== undefined) {
        this.#judged(peer, judgement);
      }
    } else if (state.kind === 'awaiting-ready' && kind === 'ready') {
      this.#agree(state.peer, state.judgement);
    } else {
      throw new MillraceError('PROTOCOL', `${link.remoteAddress} sent '${kind}' when it was not due`);
    }
  }

  #refusing<R>(peer: Hello, run: () => R): R | undefined {
    try {
      return run();
    } catch (thrown) {
      this.#refuse(asMillraceError(thrown), peer);
      return undefined;
    }
  }

  #judged(peer: Hello, judgement: T): void {
    if (this.isOver) {
      return;
    }
    if (this.#side === 'acceptor') {
      this.#state = { kind: 'awaiting-ready', peer, judgement };
      this.#writeHello();
    } else {
      this.#write('ready', {});
      this.#agree(peer, judgement);
    }
  }

  #agree(peer: Hello, judgement: T): void {
    this.#state = { kind: 'over' };
    this.#options.agreed(peer, judgement);
  }

  #refuse(error: MillraceError, peer?: Hello): void {
    if (this.isOver) {
      return;
    }
    this.#state = { kind: 'over' };
    this.#write('refusal', { message: error.message.slice(0, REASON_LENGTH_MAX), retryable: error.retryable });
    this.#options.link.end();
    const { remoteAddress } = this.#options.link;
    const who = peer === undefined ? remoteAddress : describePeer(peer, remoteAddress);
    const text = `refused ${who}: ${error.message}`;
    this.#options.failed(new MillraceError('HELLO_REFUSED', text, { cause: error, retryable: error.retryable }), true);
  }

  #writeHello(): void {
    const { protocolVersion: _, ...body } = this.#options.own;
    this.#write('hello', body);
  }

  #write(kind: HandshakeKind, body: object): void {
    const { protocolVersion } = this.#options.own;
    this.#options.link.write(encodeHandshake({ kind, protocolVersion, body }));
  }
}

const asMillraceError = (thrown: unknown): MillraceError =>
  thrown instanceof MillraceError ? thrown : new MillraceError('PROTOCOL', messageOf(thrown), { cause: thrown });
