import type { Clock } from '../../../foundation/common/clock.ts';
import type { Random } from '../../../foundation/common/random.ts';
import type { Acl } from '../client/zookeeper-client.ts';

/** What all recipes can be told. */
export interface RecipeOptions {
  /** Of the nodes that are made, the folder and those above it too where they are not there yet. Everybody may do everything unless said. */
  readonly acl?: readonly Acl[];
  /** That of the system unless said. */
  readonly clock?: Clock;
  /** That of the system unless said. Names of nodes come from it: it has to be another one for each client. */
  readonly random?: Random;
}

/** How long to wait for one's turn. */
export interface WaitOptions {
  /**
   * For ever unless said. Time in which no server answers counts. 0: one try, which waits for answers of the ensemble (each within twice
   * the session timeout) and for nobody else.
   */
  readonly timeoutMs?: number;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
}
