import type { MonitoredFigures, ServerFigures } from './server-answer.ts';

export type ServerMode =
  | ServerFigures['mode']
  /** It runs, and has no ensemble: too few others, or an election is under way. */
  | 'not-serving'
  | 'unreachable'
  /** It takes neither `srvr` nor `mntr`. */
  | 'refuses-words'
  | 'tls-only'
  | 'not-understood';

/** What one server says of itself; plain data. */
export interface ServerStatus extends Omit<ServerFigures, 'mode' | 'zxid'>, MonitoredFigures {
  /** `host:port`. */
  readonly address: string;
  readonly mode: ServerMode;
  /** Why there are no figures, for people. */
  readonly detail?: string;
  /** Hexadecimal. */
  readonly zxid?: string;
  /** So many transactions behind the server that is the furthest; servers are asked one moment apart. */
  readonly behind?: number;
}
