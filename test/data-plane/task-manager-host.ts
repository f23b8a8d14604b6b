import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { DataLocation } from '../../src/foundation/common/data-location.ts';
import type { AttemptId } from '../../src/foundation/common/ids.ts';
import { attemptId } from '../../src/foundation/common/ids.ts';
import type { Fence, TaskCommand, TaskDeployment } from '../../src/runtime/protocol/task-commands.ts';
import type { FromProcess, ToProcess } from './process-protocol.ts';

export interface HostEvents {
  received(message: FromProcess): void;
  /** The process ended with these attempts. */
  died(attempts: readonly AttemptId[]): void;
}

/** One TaskManager process, from outside. */
export class TaskManagerHost {
  readonly instanceId: string;
  readonly #child: ChildProcess;
  readonly #events: HostEvents;
  readonly #running = new Set<AttemptId>();
  readonly #listening = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  slots: readonly DataLocation[] = [];
  isAlive = true;
  /** As of its last numbers. */
  cpuMs = 0;

  constructor(start: Extract<ToProcess, { kind: 'start' }>, events: HostEvents) {
    this.instanceId = start.instanceId;
    this.#events = events;
    this.#child = fork(join(import.meta.dirname, 'task-manager-process.ts'), {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: FromProcess) => this.#received(message));
    this.#child.on('error', () => {}); // a message to a process that is gone
    this.#child.once('exit', () => this.#exited());
    this.#send(start);
  }

  /** All its threads can be reached. */
  get listening(): Promise<void> {
    return this.#listening.promise;
  }

  /** It lives, and others can connect to its threads. */
  get canRun(): boolean {
    return this.isAlive && this.slots.length > 0;
  }

  get running(): number {
    return this.#running.size;
  }

  deploy(fence: Fence, deployments: readonly TaskDeployment[]): void {
    const attempts = deployments.map(({ attempt }) => attemptId(attempt));
    if (!this.isAlive) {
      this.#events.died(attempts);
      return;
    }
    for (const attempt of attempts) {
      this.#running.add(attempt);
    }
    this.#send({ kind: 'deploy', fence, deployments });
  }

  command(fence: Fence, attempt: AttemptId, command: TaskCommand): void {
    this.#send({ kind: 'command', fence, attempt, command });
  }

  killThread(thread: number): void {
    this.#send({ kind: 'kill-thread', thread });
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#gone.promise;
  }

  #send(message: ToProcess): void {
    if (this.#child.connected) {
      this.#child.send(message);
    }
  }

  #received(message: FromProcess): void {
    if (message.kind === 'located') {
      this.slots = message.slots;
      this.#listening.resolve();
    }
    if (message.kind === 'metrics') {
      this.cpuMs = message.cpuMs;
    }
    if (message.kind === 'report' && message.report.kind === 'state') {
      const { attempt, state } = message.report;
      if (state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED') {
        this.#running.delete(attempt);
      }
    }
    this.#events.received(message);
  }

  #exited(): void {
    this.isAlive = false;
    this.#listening.reject(new Error(`TaskManager ${this.instanceId} ended before it listened`));
    this.#listening.promise.catch(() => {});
    const lost = [...this.#running];
    this.#running.clear();
    this.#events.died(lost);
    this.#gone.resolve();
  }
}
