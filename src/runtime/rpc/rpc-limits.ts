/** Every queue has a limit; what goes beyond it is an error that says so. */
export interface RpcLimits {
  /** `pekko.framesize`: one message. */
  readonly frameBytesMax: number;
  /** Objects, arrays and the like in one message that comes in: they take far more memory than bytes. */
  readonly objectsMax: number;
  /** What was sent on a connection and not yet taken by the operating system; beyond it the connection is closed. */
  readonly queueBytesMax: number;
  readonly queueMessagesMax: number;
  /** Calls of this side that wait for their answer, on one connection. */
  readonly pendingCallsMax: number;
  /** Calls of the other side that are being worked on, on one connection. */
  readonly runningCallsMax: number;
  /** Connections of one listener, the hello done. */
  readonly connectionsMax: number;
  /** Connections of one listener that have not said hello yet; one more ends the oldest. */
  readonly handshakesMax: number;
  /** For the hello of a process that has connected. */
  readonly handshakeTimeoutMs: number;
  /** `pekko.tcp.timeout`: for `connect`, hello included. */
  readonly connectTimeoutMs: number;
  /** `pekko.ask.timeout`: for calls that name no other. */
  readonly askTimeoutMs: number;
}

const MIB = 1024 * 1024;

export const defaultLimits: RpcLimits = {
  frameBytesMax: 10 * MIB,
  objectsMax: 1_048_576,
  queueBytesMax: 64 * MIB,
  queueMessagesMax: 100_000,
  pendingCallsMax: 10_000,
  runningCallsMax: 10_000,
  connectionsMax: 4096,
  handshakesMax: 256,
  handshakeTimeoutMs: 10_000,
  connectTimeoutMs: 20_000,
  askTimeoutMs: 10_000,
};
