import { JuteReader } from '../jute-reader.ts';
import { JuteWriter } from '../jute-writer.ts';
import type { Link, LinkListener, ServerAddress, Transport } from '../transport.ts';
import { OP, XID } from '../wire-codes.ts';

export interface FakeRequest {
  readonly xid: number;
  readonly op: number;
  readonly body: JuteReader;
}

const framed = (body: Uint8Array): Buffer => {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeInt32BE(body.length);
  frame.set(body, 4);
  return frame;
};

/** The server's end of one connection. Nothing happens by itself but what a test says. */
export class FakeLink implements Link {
  readonly server: ServerAddress;
  readonly listener: LinkListener;
  /** Requests that were read with `take`, and those that were not. */
  #frames: Uint8Array[] = [];
  #rest = Buffer.alloc(0);
  /** The client has destroyed it. */
  isDestroyed = false;

  constructor(server: ServerAddress, listener: LinkListener) {
    this.server = server;
    this.listener = listener;
  }

  send(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readInt32BE()) {
      const end = 4 + this.#rest.readInt32BE();
      this.#frames.push(this.#rest.subarray(4, end));
      this.#rest = this.#rest.subarray(end);
    }
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Whole frames of the client since the last call. */
  takeFrames(): readonly Uint8Array[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  /** Requests since the last call, pings left out unless wanted. */
  take(withPings = false): readonly FakeRequest[] {
    return this.takeFrames()
      .map((frame) => {
        const body = new JuteReader(frame);
        return { xid: body.int(), op: body.int(), body };
      })
      .filter(({ op }) => withPings || op !== OP.ping);
  }

  deliver(bytes: Uint8Array): void {
    if (!this.isDestroyed) {
      this.listener.received(bytes);
    }
  }

  deliverFrame(body: Uint8Array): void {
    this.deliver(framed(body));
  }

  /** Accepts the connection and the hello; returns the session that the client asked for. */
  welcome({ timeoutMs = 3_000, sessionId = 77n } = {}): { readonly seenZxid: bigint; readonly sessionId: bigint } {
    this.listener.opened();
    const [hello] = this.takeFrames();
    const reader = new JuteReader(hello!);
    reader.int();
    const seenZxid = reader.long();
    reader.int();
    const asked = reader.long();
    this.deliverFrame(
      new JuteWriter()
        .int(0)
        .int(timeoutMs)
        .long(timeoutMs === 0 ? 0n : sessionId)
        .buffer(new Uint8Array(16).fill(9))
        .bool(false)
        .take(),
    );
    return { seenZxid, sessionId: asked };
  }

  answer(xid: number, zxid: bigint, error = 0, write: (writer: JuteWriter) => unknown = () => {}): void {
    const writer = new JuteWriter().int(xid).long(zxid).int(error);
    write(writer);
    this.deliverFrame(writer.take());
  }

  /** 1 created, 2 deleted, 3 changed, 4 children changed. */
  notify(type: number, path: string): void {
    this.deliverFrame(new JuteWriter().int(XID.notification).long(-1n).int(0).int(type).int(3).string(path).take());
  }

  close(problem?: string): void {
    if (!this.isDestroyed) {
      this.isDestroyed = true;
      this.listener.closed(problem);
    }
  }
}

export class FakeNetwork implements Transport {
  readonly links: FakeLink[] = [];
  readonly resolved: string[] = [];
  /** What names stand for; others are their own address. */
  readonly names = new Map<string, readonly string[]>();

  resolve(host: string): Promise<readonly string[]> {
    this.resolved.push(host);
    return Promise.resolve(this.names.get(host) ?? [host]);
  }

  open(server: ServerAddress, listener: LinkListener): Link {
    const link = new FakeLink(server, listener);
    this.links.push(link);
    return link;
  }

  /** The newest connection. */
  get link(): FakeLink {
    return this.links.at(-1)!;
  }
}

/** What is settled by now has been acted upon. */
export const rest = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) {
    await Promise.resolve();
  }
};

export const writeStat = (
  writer: JuteWriter,
  { createdIn = 1n, modifiedIn = 1n, childrenModifiedIn = 1n, version = 0, children = 0 } = {},
): JuteWriter =>
  writer
    .long(createdIn)
    .long(modifiedIn)
    .long(1_000n)
    .long(2_000n)
    .int(version)
    .int(0)
    .int(0)
    .long(0n)
    .int(0)
    .int(children)
    .long(childrenModifiedIn);
