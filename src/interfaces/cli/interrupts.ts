import type { EndSignal, InterruptSignal, RunEnvironment } from './run-command.ts';

type Interrupted = (signal: InterruptSignal) => void;

/**
 * What asks a command to end, from its first moment: the first interrupt reaches who listens and who will listen, the
 * second ends the process at once.
 */
export class Interrupts {
  readonly #environment: Pick<RunEnvironment, 'terminal' | 'exitNow'>;
  readonly #listeners = new Set<Interrupted>();
  readonly #ignore: () => void;
  #first: InterruptSignal | undefined;

  constructor(environment: Pick<RunEnvironment, 'terminal' | 'exitNow' | 'onInterrupt'>) {
    this.#environment = environment;
    this.#ignore = environment.onInterrupt((signal) => this.#happens(signal));
  }

  get first(): InterruptSignal | undefined {
    return this.#first;
  }

  /** Calls `listener` once, at once if the first interrupt has come already; returns what undoes it. */
  readonly onInterrupt = (listener: Interrupted): (() => void) => {
    if (this.#first !== undefined) {
      listener(this.#first);
      return () => {};
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  close(): void {
    this.#ignore();
  }

  #happens(signal: InterruptSignal): void {
    if (this.#first === undefined) {
      this.#first = signal;
      for (const listener of this.#listeners) {
        listener(signal);
      }
    } else if (signal !== 'SIGPIPE') {
      this.#environment.terminal.end();
      this.#environment.exitNow(signal);
    }
  }
}

/** What shells report for a program that such a signal ended. */
export const EXIT_CODE_OF: Readonly<Record<InterruptSignal | EndSignal, number>> = {
  SIGINT: 130,
  SIGKILL: 137,
  SIGPIPE: 141,
  SIGTERM: 143,
};
