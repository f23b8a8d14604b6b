/** How a client proves who it is, in questions of the server and answers. */
export interface SaslMechanism {
  readonly name: string;
  /** For one connection. */
  begin(): SaslExchange;
}

export interface SaslExchange {
  /** What is said first; may be empty. */
  readonly first: Uint8Array;
  /** Undefined: the exchange is over and the server has proved itself, too. Throws where it has not. */
  answer(challenge: Uint8Array): Uint8Array | undefined;
}
