import { errorFromInfo, errorInfoSchema } from '../../foundation/common/error-info-schema.ts';
import { errorInfo, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { describePeer, type Hello } from './hello.ts';
import type { LinkEnd, LinkReceiver, MessageLink } from './message-link.ts';
import { AwaitedReplies } from './awaited-replies.ts';
import { describeClose, type CallOptions, type CloseReason, type RpcConnection } from './rpc-connection.ts';
import type { RpcContext } from './rpc-context.ts';
import type { CallMethod, SendMethod, UntypedService } from './rpc-protocol.ts';
import { decodeMessage, encodeMessage, type WireMessage } from './wire-message.ts';

/** Of texts that came from the other side, in messages. */
const SHOWN_LENGTH_MAX = 200;
const FAREWELL_LENGTH_MAX = 2000;

/** A connection whose hellos are done, over any link. */
export class RpcSession implements RpcConnection, LinkReceiver {
  readonly peer: Hello;
  readonly remoteAddress: string;
  readonly localHost: string;
  readonly closed: Promise<CloseReason>;
  readonly #link: MessageLink;
  readonly #service: UntypedService;
  readonly #context: RpcContext;
  readonly #pending: AwaitedReplies;
  readonly #settleClosed: (reason: CloseReason) => void;
  #runningCalls = 0;
  #lastReceivedMs: number;
  #closeReason: CloseReason | undefined;

  /** Receives the link's messages from now on. */
  constructor(link: MessageLink, peer: Hello, service: UntypedService, context: RpcContext) {
    this.peer = peer;
    this.remoteAddress = link.remoteAddress;
    this.localHost = link.localHost;
    this.#link = link;
    this.#service = service;
    this.#context = context;
    this.#pending = new AwaitedReplies(context.clock, context.limits.pendingCallsMax);
    this.#lastReceivedMs = context.clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<CloseReason>();
    this.closed = promise;
    this.#settleClosed = resolve;
    link.deliver(this, context.limits.frameBytesMax);
  }

  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  get closeReason(): CloseReason | undefined {
    return this.#closeReason;
  }

  call(method: string, request: unknown, options: CallOptions = {}): Promise<never> {
    const { limits } = this.#context;
    const reply = Object.hasOwn(this.#service.calls, method) ? this.#service.calls[method] : undefined;
    if (reply?.kind !== 'call') {
      return Promise.reject(new MillraceError('PROTOCOL', `'${method}' is no call that ${this.#peerName} answers`));
    }
    if (this.#closeReason !== undefined) {
      return Promise.reject(this.#lost(method, this.#closeReason));
    }
    return new Promise((resolve, reject) => {
      // A throw rejects, and nothing is pending then.
      const id = this.#pending.reserve(method, this.#peerName);
      const frame = encodeMessage({ kind: 'call', id, method, value: request }, limits.frameBytesMax);
      const settle = (value: unknown): void => {
        const checked = reply.reply.safeParse(value);
        if (checked.success) {
          resolve(checked.data as never);
        } else {
          const problem = `the answer of ${this.#peerName} to '${method}' is not valid: ${summary(checked.error)}`;
          reject(new MillraceError('PROTOCOL', problem));
        }
      };
      this.#pending.add({ method, resolve: settle, reject }, options.timeoutMs ?? limits.askTimeoutMs, this.#peerName);
      this.#write(frame);
    });
  }

  send(method: string, request: unknown): boolean {
    const declared = Object.hasOwn(this.#service.calls, method) ? this.#service.calls[method] : undefined;
    if (declared?.kind !== 'send') {
      throw new MillraceError('PROTOCOL', `'${method}' is no one-way message that ${this.#peerName} takes`);
    }
    if (this.#closeReason !== undefined) {
      return false;
    }
    return this.#write(encodeMessage({ kind: 'send', method, value: request }, this.#context.limits.frameBytesMax));
  }

  close(farewell?: string): void {
    if (this.#closeReason === undefined) {
      this.#writeFarewell(farewell ?? '');
      this.#end({ kind: 'local' }, 'flush');
    }
  }

  message(payload: Uint8Array): void {
    if (this.#closeReason !== undefined) {
      return;
    }
    this.#lastReceivedMs = this.#context.clock.monotonic();
    try {
      this.#received(decodeMessage(payload, this.#context.limits.objectsMax));
    } catch (thrown) {
      this.garbage(new MillraceError('PROTOCOL', messageOf(thrown), { cause: thrown }));
    }
  }

  garbage(error: MillraceError): void {
    this.#giveUp(error, 'warn');
  }

  #giveUp(error: MillraceError, level: 'warn' | 'debug'): void {
    if (this.#closeReason === undefined) {
      this.#context.logger[level](`Closing the connection to ${this.#peerName}: ${error.message}`);
      this.#writeFarewell(error.message);
      this.#end({ kind: 'local', error }, 'flush');
    }
  }

  ended(end: LinkEnd): void {
    this.#end(end, 'destroy');
  }

  get #peerName(): string {
    return describePeer(this.peer, this.remoteAddress);
  }

  #received(message: WireMessage): void {
    switch (message.kind) {
      case 'call':
        return this.#answer(message.id, message.method, message.value);
      case 'send':
        return this.#take(message.method, message.value);
      case 'reply':
        return this.#pending.take(message.id)?.resolve(message.value);
      case 'failure':
        return this.#pending.take(message.id)?.reject(errorFromInfo(errorInfoSchema.parse(message.value)));
      case 'farewell': {
        const farewell = message.text.slice(0, FAREWELL_LENGTH_MAX);
        return this.#end(farewell === '' ? { kind: 'peer' } : { kind: 'peer', farewell }, 'flush');
      }
    }
  }

  /** A call of the other side: whatever is wrong with it is the answer. */
  #answer(id: number, method: string, value: unknown): void {
    const { runningCallsMax } = this.#context.limits;
    if (this.#runningCalls >= runningCallsMax) {
      const message = `${runningCallsMax} calls of one process are being worked on; '${shown(method)}' was not begun`;
      return this.#fail(id, new MillraceError('OVERLOADED', message, { retryable: true }));
    }
    this.#runningCalls++;
    const done = (send: () => void): void => {
      this.#runningCalls--;
      if (this.#closeReason === undefined) {
        send();
      }
    };
    const fail = (thrown: unknown): void => done(() => this.#fail(id, thrown));
    let result: unknown;
    try {
      result = this.#handle('call', method, value);
    } catch (thrown) {
      return fail(thrown);
    }
    if (result instanceof Promise) {
      result.then((reply: unknown) => done(() => this.#reply(id, method, reply)), fail);
    } else {
      done(() => this.#reply(id, method, result));
    }
  }

  /** A one-way message of the other side. */
  #take(method: string, value: unknown): void {
    const failed = (thrown: unknown): void => {
      // Meant for another leader: it was on its way when the leader changed, and its sender begins anew.
      if (thrown instanceof MillraceError && thrown.code === 'FENCED') {
        const message = `'${shown(method)}' was not taken: ${thrown.message}`;
        return this.#giveUp(new MillraceError('FENCED', message, { cause: thrown, retryable: true }), 'debug');
      }
      const detail = thrown instanceof MillraceError ? thrown.message : String(errorInfo(thrown).stack);
      this.garbage(new MillraceError('PROTOCOL', `'${shown(method)}' failed: ${detail}`, { cause: thrown }));
    };
    try {
      const result = this.#handle('send', method, value);
      if (result instanceof Promise) {
        // The type of the handler allows it: any function will do where nothing is returned.
        result.catch(failed);
      }
    } catch (thrown) {
      failed(thrown);
    }
  }

  #handle(kind: 'call' | 'send', method: string, value: unknown): unknown {
    const { serves, handlers } = this.#service;
    const declared: CallMethod | SendMethod | undefined = Object.hasOwn(serves, method) ? serves[method] : undefined;
    if (declared?.kind !== kind) {
      throw new MillraceError(
        'PROTOCOL',
        `there is no ${kind} '${shown(method)}' here; do all processes run one version?`,
      );
    }
    const request = declared.request.safeParse(value);
    if (!request.success) {
      throw new MillraceError('PROTOCOL', `the request is not valid: ${summary(request.error)}`);
    }
    return handlers[method]?.(request.data, this);
  }

  #reply(id: number, method: string, value: unknown): void {
    let frame: Uint8Array;
    try {
      frame = encodeMessage({ kind: 'reply', id, value }, this.#context.limits.frameBytesMax);
    } catch (thrown) {
      const message = `the answer to '${method}' cannot be sent: ${messageOf(thrown)}`;
      const code = thrown instanceof MillraceError ? thrown.code : 'BAD_RECORD';
      return this.#fail(id, new MillraceError(code, message));
    }
    this.#write(frame);
  }

  #fail(id: number, thrown: unknown): void {
    const info = errorInfo(thrown);
    const { frameBytesMax } = this.#context.limits;
    let frame: Uint8Array;
    try {
      frame = encodeMessage({ kind: 'failure', id, value: info }, frameBytesMax);
    } catch {
      const { name, code, message } = info;
      const value = { name, message: message.slice(0, SHOWN_LENGTH_MAX), ...(code === undefined ? {} : { code }) };
      frame = encodeMessage({ kind: 'failure', id, value }, frameBytesMax);
    }
    this.#write(frame);
  }

  #writeFarewell(text: string): void {
    const farewell = encodeMessage({ kind: 'farewell', text: text.slice(0, FAREWELL_LENGTH_MAX) }, Infinity);
    this.#link.write(farewell);
  }

  /** False when the connection was closed because too much waits. */
  #write(frame: Uint8Array): boolean {
    const { queueBytesMax, queueMessagesMax } = this.#context.limits;
    const { queuedBytes, queuedMessages } = this.#link;
    if (queuedMessages > 0 && (queuedBytes + frame.length > queueBytesMax || queuedMessages >= queueMessagesMax)) {
      const message =
        `${this.#peerName} takes messages too slowly: ${queuedMessages} of them, ${queuedBytes} bytes, wait to be sent; ` +
        `the limits are ${queueMessagesMax} messages and ${queueBytesMax} bytes`;
      this.#context.logger.warn(`Closing the connection: ${message}`);
      this.#end({ kind: 'local', error: new MillraceError('OVERLOADED', message, { retryable: true }) }, 'destroy');
      return false;
    }
    this.#link.write(frame);
    return true;
  }

  #end(reason: CloseReason, how: 'flush' | 'destroy'): void {
    if (this.#closeReason !== undefined) {
      return;
    }
    this.#closeReason = reason;
    if (how === 'flush') {
      this.#link.end();
    } else {
      this.#link.destroy();
    }
    this.#pending.rejectAll((method) => this.#lost(method, reason));
    this.#settleClosed(reason);
  }

  #lost(method: string, reason: CloseReason): MillraceError {
    const message = `no answer to '${method}': the connection to ${this.#peerName} is closed, ${describeClose(reason)}`;
    return new MillraceError('CONNECTION_LOST', message, { retryable: true });
  }
}

const shown = (text: string): string => text.slice(0, SHOWN_LENGTH_MAX);

interface Issues {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
}

/** The first things that are wrong, on one line. */
const summary = ({ issues }: Issues): string =>
  shown(issues.map(({ path, message }) => `${path.map(String).join('.') || 'value'}: ${message}`).join('; '));
