import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { FromJobManager, ToJobManager } from './jobmanager-process.ts';

type Answer = Extract<FromJobManager, { kind: 'answer' }>;

/** One JobManager process, from outside. */
export class JobManagerHost {
  readonly log: string[] = [];
  instanceId = '';
  readonly #child: ChildProcess;
  readonly #started = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #answers: ((answer: Answer) => void)[] = [];

  constructor(settings: Readonly<Record<string, string>>) {
    this.#child = fork(join(import.meta.dirname, 'jobmanager-process.ts'), [JSON.stringify(settings)], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: FromJobManager) => this.#received(message));
    this.#child.on('error', () => {}); // a message to a process that is gone
    this.#child.once('exit', () => {
      this.#started.reject(new Error(`a JobManager ended before it had started:\n${this.log.join('\n')}`));
      this.#gone.resolve();
    });
    this.#started.promise.catch(() => {});
  }

  get started(): Promise<void> {
    return this.#started.promise;
  }

  ask(question: ToJobManager): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#child.send(question);
    });
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#gone.promise;
  }

  #received(message: FromJobManager): void {
    switch (message.kind) {
      case 'log':
        this.log.push(message.line);
        return;
      case 'started':
        this.instanceId = message.instanceId;
        return this.#started.resolve();
      case 'answer':
        this.#answers.shift()?.(message);
    }
  }
}
