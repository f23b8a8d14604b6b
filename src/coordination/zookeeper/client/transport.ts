/** Where a server is, resolved. */
export interface ServerAddress {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** As in the connect string: what a certificate is about. */
  readonly host: string;
}

/** Called in turns of their own, never from within a call of the link; nothing after `closed`. */
export interface LinkListener {
  opened(): void;
  received(chunk: Uint8Array): void;
  /** `problem`: for people; undefined where the other side just closed it. */
  closed(problem: string | undefined): void;
}

/** One connection; bytes go both ways, in order. */
export interface Link {
  send(bytes: Uint8Array): void;
  /** At once, whatever was not sent; the listener hears nothing more. */
  destroy(): void;
}

/** What the client needs of a network. */
export interface Transport {
  /** The addresses of a name, one at least; rejects when it has none. An address is its own. */
  resolve(host: string): Promise<readonly string[]>;
  open(server: ServerAddress, listener: LinkListener): Link;
}
