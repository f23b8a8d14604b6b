import { AsyncLocalStorage } from 'node:async_hooks';
import { errorInfo, messageOf, MillraceError } from '../foundation/common/errors.ts';
import { requireSameGraph } from '../pipeline/graph/require-same-graph.ts';
import type { Translation } from '../pipeline/graph/translate.ts';
import { EnumeratorHost } from '../runtime/jobmanager/split-coordination/enumerator-host.ts';
import type { EnumeratorAnswer, EnumeratorCall } from '../runtime/jobmanager/split-coordination/enumerator-messages.ts';
import { captureConsole } from '../runtime/taskmanager/console-capture.ts';
import { collectGarbage } from './collect-garbage.ts';
import { ownEnumeratorOf } from './enumerator-factories.ts';
import { installModuleHooks } from './module-loader.ts';
import { loadTranslation } from './plan-job.ts';
import type { UserCodeCommand, UserCodeReport, UserCodeSettings } from './user-code-protocol.ts';

/** A thread that prints faster than anybody takes it waits at so many lines. */
const UNTAKEN_LINES = 1024;
/** Looked at again after this, in case a wake-up was missed. */
const CONSOLE_WAIT_MS = 50;

export interface RunningUserCode {
  handle(command: UserCodeCommand): Promise<void>;
  /** Something outside any call threw. */
  crashed(thrown: unknown): void;
}

/** Loads the job in the thread that calls this, and runs the enumerators of its sources. */
export const runUserCode = (settings: UserCodeSettings, send: (report: UserCodeReport) => void): RunningUserCode => {
  Error.stackTraceLimit = 50;
  process.setSourceMapsEnabled(true);
  installModuleHooks();
  /** The name of the source whose enumerator runs, also behind its promises and timers. */
  const running = new AsyncLocalStorage<string>();
  let translation: Translation | undefined;
  const host = new EnumeratorHost({
    factoryOf: (operatorId) => translation && ownEnumeratorOf(translation, operatorId),
    answer: (answer) => sendAnswer(send, answer),
  });
  const taken = new Int32Array(settings.consoleTaken);
  let printed = 0;
  captureConsole(console, ({ level, text }) => {
    // What the module and the builder print was seen at submission.
    if (translation === undefined) {
      return;
    }
    send({ kind: 'console', level, source: `${running.getStore() ?? 'source'} (enumerator)`, text });
    printed = (printed + 1) | 0;
    for (let seen = Atomics.load(taken, 0); ((printed - seen) | 0) > UNTAKEN_LINES; seen = Atomics.load(taken, 0)) {
      Atomics.wait(taken, 0, seen, CONSOLE_WAIT_MS);
    }
  });
  const crashed = (thrown: unknown): void => send({ kind: 'crashed', error: crashOf(thrown, running.getStore()) });
  const loading = load(settings).then(
    (loaded) => {
      translation = loaded;
      send({ kind: 'ready' });
    },
    (error: unknown) => send({ kind: 'crashed', error: errorInfo(error) }),
  );
  const call = (each: EnumeratorCall): void =>
    running.run(translation?.nodeOf.get(each.operatorId)?.name ?? each.operatorId, () => host.handle(each));
  return {
    crashed,
    handle: async (command) => {
      // The same promise for all, so that they go on in the order in which they came.
      await loading;
      switch (command.kind) {
        case 'call':
          return call(command.call);
        case 'collect': {
          collectGarbage();
          const { heapUsed, arrayBuffers } = process.memoryUsage();
          return send({ kind: 'collected', heapUsedBytes: heapUsed, arrayBufferBytes: arrayBuffers });
        }
        case 'close':
          await host.close();
          return send({ kind: 'closed' });
      }
    },
  };
};

const load = async ({ program, graph }: UserCodeSettings): Promise<Translation> => {
  const translation = await loadTranslation(program);
  requireSameGraph(graph, translation.jobGraph);
  return translation;
};

/** What does not travel is user code's mistake, and said as an answer. */
const sendAnswer = (send: (report: UserCodeReport) => void, answer: EnumeratorAnswer): void => {
  try {
    send({ kind: 'answer', answer });
  } catch (error) {
    const reason = new MillraceError(
      'BAD_JOB',
      `what it returned cannot travel (${messageOf(error)}); its state and its splits have to be plain data`,
      { cause: error },
    );
    send({ kind: 'answer', answer: { ...answer, result: { kind: 'failed', error: errorInfo(reason) } } });
  }
};

const crashOf = (thrown: unknown, source: string | undefined): ReturnType<typeof errorInfo> => {
  const whose = source === undefined ? "the job's code" : `the enumerator of source "${source}"`;
  const message = `${whose} threw outside of a call, on the JobManager: ${messageOf(thrown)}`;
  return { name: 'MillraceError', code: 'TASK_FAILED', message, cause: errorInfo(thrown) };
};
