import { errorInfo, MillraceError } from '../../../foundation/common/errors.ts';
import type { OperatorId } from '../../../foundation/common/ids.ts';
import type { EnumeratorDecision, EnumeratorFactory, SplitEnumerator } from '../../../pipeline/connectors/source.ts';
import { checkDecision, checkSplits } from './check-decision.ts';
import type { EnumeratorAnswer, EnumeratorCall, EnumeratorRequest, EnumeratorResult } from './enumerator-messages.ts';

export interface EnumeratorHostOptions {
  factoryOf(operatorId: OperatorId): EnumeratorFactory | undefined;
  answer(answer: EnumeratorAnswer): void;
}

interface OpenEnumerator {
  readonly enumerator: SplitEnumerator;
  readonly parallelism: number;
}

type RequestOf<K extends EnumeratorRequest['kind']> = Extract<EnumeratorRequest, { kind: K }>;

const NOTHING: EnumeratorResult = { kind: 'decided', decision: {} };

/**
 * Runs enumerators on behalf of a JobMaster: our own ones beside it, those of users in the worker thread of their job
 * (R13). It is the same code, so that a JobMaster knows one way to talk to an enumerator.
 */
export class EnumeratorHost {
  readonly #options: EnumeratorHostOptions;
  readonly #open = new Map<OperatorId, OpenEnumerator>();
  #latest = 0;

  constructor(options: EnumeratorHostOptions) {
    this.#options = options;
  }

  /** Answers at once, except for a discovery. Never throws. */
  handle(call: EnumeratorCall): void {
    this.#latest = call.call;
    if (call.request.kind === 'discover') {
      void this.#discover(call);
    } else {
      this.#answer(call, () => this.#run(call.operatorId, call.request));
    }
  }

  /** Never rejects: an enumerator that cannot be closed is of no interest any more. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(open.map(async ({ enumerator }) => enumerator.close?.()));
  }

  #answer({ call }: EnumeratorCall, run: () => EnumeratorResult): void {
    let result: EnumeratorResult;
    try {
      result = run();
    } catch (error) {
      result = { kind: 'failed', error: errorInfo(error) };
    }
    this.#options.answer({ call, knowing: this.#latest, result });
  }

  #run(operatorId: OperatorId, request: EnumeratorRequest): EnumeratorResult {
    if (request.kind === 'open') {
      return this.#create(operatorId, request);
    }
    const open = this.#open.get(operatorId);
    if (open === undefined) {
      // It could not be opened, which was said.
      return NOTHING;
    }
    const { enumerator, parallelism } = open;
    const decided = (method: string, decision: unknown): EnumeratorResult => ({
      kind: 'decided',
      decision: checkDecision(method, decision, parallelism),
    });
    switch (request.kind) {
      case 'reader-registered':
        return decided('readerRegistered', enumerator.readerRegistered(request.subtask, request.held));
      case 'split-requested':
        return decided('splitRequested', enumerator.splitRequested(request.subtask));
      case 'splits-returned':
        return decided('splitsReturned', enumerator.splitsReturned(request.splits));
      case 'readers-ended':
        enumerator.readersEnded?.(request.subtasks);
        return NOTHING;
      case 'snapshot':
        return { kind: 'snapshot', state: enumerator.snapshot() };
      case 'checkpoint-completed':
        enumerator.checkpointCompleted?.(request.checkpointId);
        return NOTHING;
      case 'discover':
        return NOTHING;
    }
  }

  #create(operatorId: OperatorId, request: RequestOf<'open'>): EnumeratorResult {
    const { config, parallelism, state, assigned } = request;
    const before = this.#open.get(operatorId)?.enumerator;
    this.#open.delete(operatorId);
    void Promise.allSettled([(async () => before?.close?.())()]);
    const factory = this.#options.factoryOf(operatorId);
    if (factory === undefined) {
      throw new MillraceError('BAD_JOB', 'its plan names an enumerator of its own, but its behavior has none');
    }
    const enumerator = factory.create(config, parallelism, state);
    this.#open.set(operatorId, { enumerator, parallelism });
    if (request.ended.length > 0) {
      enumerator.readersEnded?.(request.ended);
    }
    if (assigned.length > 0) {
      enumerator.splitsAssigned(assigned);
    }
    const readers = new Set(assigned.map(({ id }) => id));
    const returned = request.returned.filter(({ id }) => !readers.has(id));
    let decision: EnumeratorDecision = {};
    if (returned.length > 0) {
      decision = checkDecision('splitsReturned', enumerator.splitsReturned(returned), parallelism);
    }
    return {
      kind: 'opened',
      decision,
      discovers: enumerator.discover !== undefined,
      discoverEveryMs: enumerator.discoverEveryMs,
    };
  }

  async #discover(call: EnumeratorCall): Promise<void> {
    const open = this.#open.get(call.operatorId);
    let found: () => EnumeratorResult;
    try {
      const splits = (await open?.enumerator.discover?.()) ?? [];
      found = () => {
        // Another enumerator may have taken its place.
        if (open === undefined || this.#open.get(call.operatorId) !== open) {
          return NOTHING;
        }
        checkSplits('discover', splits);
        const decision = checkDecision('discovered', open.enumerator.discovered(splits), open.parallelism);
        return { kind: 'decided', decision };
      };
    } catch (error) {
      found = () => ({ kind: 'failed', error: errorInfo(error) });
    }
    this.#answer(call, found);
  }
}
