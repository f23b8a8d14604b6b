import type { Translation } from '../pipeline/graph/translate.ts';
import { EnumeratorHost } from '../runtime/jobmanager/split-coordination/enumerator-host.ts';
import type { StartUserCode } from '../runtime/jobmanager/split-coordination/user-code-thread.ts';
import { ownEnumeratorOf } from './enumerator-factories.ts';

/** Runs enumerators of users in the calling thread, so that any debugger stops in them (`millrace run --inspect`). */
export const startInlineUserCode =
  (translation: Translation): StartUserCode =>
  (events) => {
    let ended = false;
    /** In a turn of its own, as between threads. */
    const later = (run: () => void): void => void setImmediate(() => !ended && run());
    const host = new EnumeratorHost({
      factoryOf: (operatorId) => ownEnumeratorOf(translation, operatorId),
      answer: (answer) => later(() => events.answered(answer)),
    });
    const close = (): Promise<void> => {
      ended = true;
      return host.close();
    };
    later(() => events.ready());
    return { send: (call) => later(() => host.handle(call)), close, terminate: close };
  };
