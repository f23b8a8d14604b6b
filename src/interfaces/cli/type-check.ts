import { checkTypes } from './bundle/check-types.ts';
import type { Terminal } from './terminal.ts';

/** A type check beside a run: its errors are shown when they are known. */
export interface RunningTypeCheck {
  /** Resolves when all of them were shown; never rejects. */
  readonly shown: Promise<void>;
  /** Nobody wants to know any more. */
  stop(): void;
}

export const startTypeCheck = (
  options: {
    readonly file: string;
    readonly check: boolean;
    /** Whether it is said when nothing can be checked; yes when missing. */
    readonly hints?: boolean;
  },
  terminal: Terminal,
): RunningTypeCheck => {
  if (!options.check) {
    return { shown: Promise.resolve(), stop: () => {} };
  }
  const abort = new AbortController();
  const show = async (): Promise<void> => {
    const result = await checkTypes(options.file, { signal: abort.signal });
    if (abort.signal.aborted || (!result.checked && options.hints === false)) {
      return;
    }
    for (const line of result.lines) {
      terminal.log(line);
    }
    if (result.errors.length > 0) {
      const errors = result.errors.length === 1 ? '1 type error' : `${result.errors.length} type errors`;
      terminal.log(`${errors} in ${options.file}; the job is run all the same (--no-check skips the check)`);
    }
  };
  return { shown: show(), stop: () => abort.abort() };
};
