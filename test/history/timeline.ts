import type { Call, Operation, Outcome } from './history.ts';

/*
 * Histories to write down. The register is `r`, transactions are those that are said, else those of the versions.
 */

type Span = readonly [invokedAt: number, returnedAt: number];

const operation = (client: string, [invokedAt, returnedAt]: Span, call: Call, outcome: Outcome): Operation => ({
  client,
  register: 'r',
  call,
  invokedAt,
  returnedAt: outcome.kind === 'unknown' ? Infinity : returnedAt,
  outcome,
});

type Refusal = 'absent' | 'exists' | 'other-version' | 'unknown' | 'denied';
const outcomeOf = (answer: number | Refusal): Outcome =>
  typeof answer === 'number' ? { kind: 'written', version: answer, changedIn: BigInt(answer + 1) } : { kind: answer };

/** `answer`: the version it was written in, or what happened instead. */
export const set = (client: string, span: Span, value: string, answer: number | Refusal): Operation =>
  operation(client, span, { kind: 'set', value }, outcomeOf(answer));

/** Over `version` only. */
export const cas = (client: string, span: Span, value: string, version: number, answer: number | Refusal): Operation =>
  operation(client, span, { kind: 'set', value, version }, outcomeOf(answer));

export const create = (client: string, span: Span, value: string, answer: number | Refusal): Operation =>
  operation(client, span, { kind: 'create', value }, outcomeOf(answer));

export const remove = (client: string, span: Span, answer: 'deleted' | Refusal, version?: number): Operation =>
  operation(client, span, { kind: 'delete', ...(version === undefined ? {} : { version }) }, { kind: answer });

/** A read that has to be fresh. `answer`: the value and its version. */
export const get = (client: string, span: Span, answer: readonly [string, number] | 'absent'): Operation =>
  operation(client, span, { kind: 'get', isFresh: true }, readOf(answer));

/** A read of what its session has seen, or later. */
export const plainGet = (client: string, span: Span, answer: readonly [string, number] | 'absent'): Operation =>
  operation(client, span, { kind: 'get', isFresh: false }, readOf(answer));

const readOf = (answer: readonly [string, number] | 'absent'): Outcome =>
  answer === 'absent'
    ? { kind: 'absent' }
    : { kind: 'value', value: answer[0], version: answer[1], changedIn: BigInt(answer[1] + 1) };

/** The same on another register, or in another transaction. */
export const but = (
  one: Operation,
  { register = one.register, changedIn }: { readonly register?: string; readonly changedIn?: bigint },
): Operation => {
  const { outcome } = one;
  return {
    ...one,
    register,
    outcome: 'changedIn' in outcome ? { ...outcome, changedIn: changedIn ?? outcome.changedIn } : outcome,
  };
};
