/*
 * What clients asked of registers of an ensemble, and what they were told. A register is one node: absent, or a value in a version that
 * begins with 0 when it is created and grows by one with each set.
 */

export type Call =
  /** `isFresh`: it has to see all that was answered before it was asked; others may see the past, in the order of their session. */
  | { readonly kind: 'get'; readonly isFresh: boolean }
  /** With a version: only over that one. */
  | { readonly kind: 'set'; readonly value: string; readonly version?: number }
  | { readonly kind: 'create'; readonly value: string }
  | { readonly kind: 'delete'; readonly version?: number };

export type Answer =
  /** To `get`. `changedIn`: the transaction of the ensemble that wrote the value; 0n where it was not recorded. */
  | { readonly kind: 'value'; readonly value: string; readonly version: number; readonly changedIn: bigint }
  /** To `set` and `create`. */
  | { readonly kind: 'written'; readonly version: number; readonly changedIn: bigint }
  /** To `delete`. */
  | { readonly kind: 'deleted' }
  /** Nothing was done, and why. */
  | { readonly kind: 'absent' | 'exists' | 'other-version' };

export interface Operation {
  /** Of one session: its operations are carried out in the order of their invocations. */
  readonly client: string;
  readonly register: string;
  readonly call: Call;
  /** Places in the one order of all invocations and returns; what is unknown never returns: it may still happen. */
  readonly invokedAt: number;
  readonly returnedAt: number;
  /** `unknown`: it may have happened, or may happen later; `denied`: it is said to never have happened. */
  readonly outcome: Answer | { readonly kind: 'unknown' | 'denied' };
}

export type Outcome = Operation['outcome'];

/** Records operations as they happen. All in one thread, so that the order of the calls is the order of what happened. */
export class History {
  readonly #operations: Operation[] = [];
  #places = 0;
  #open = 0;

  /** Those that have ended. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** Invoked, and not yet ended. */
  get open(): number {
    return this.#open;
  }

  /** Returns what to call with the end of the operation, once. */
  invoke(client: string, register: string, call: Call): (outcome: Outcome) => void {
    const invokedAt = ++this.#places;
    this.#open++;
    return (outcome) => {
      this.#open--;
      const returnedAt = outcome.kind === 'unknown' ? Infinity : ++this.#places;
      this.#operations.push({ client, register, call, invokedAt, returnedAt, outcome });
    };
  }
}

/** For people: `set r1 to "x" over version 3 by c2, from 10 to 14: written in version 4`. */
export const describeOperation = ({ client, register, call, invokedAt, returnedAt, outcome }: Operation): string => {
  const over = 'version' in call && call.version !== undefined ? ` over version ${call.version}` : '';
  const value = 'value' in call ? ` to "${call.value}"` : '';
  const until = returnedAt === Infinity ? '' : ` to ${returnedAt}`;
  return `${call.kind} ${register}${value}${over} by ${client}, from ${invokedAt}${until}: ${describeOutcome(outcome)}`;
};

const describeOutcome = (outcome: Outcome): string => {
  switch (outcome.kind) {
    case 'value': {
      return `"${outcome.value}" in version ${outcome.version}`;
    }
    case 'written': {
      return `written in version ${outcome.version}`;
    }
    default: {
      return outcome.kind;
    }
  }
};
