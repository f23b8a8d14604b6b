import { attemptId, type AttemptId } from '../../../src/foundation/common/ids.ts';
import { isTerminal } from '../../../src/runtime/taskmanager/attempt-ledger.ts';
import type { ChannelWatch } from './channel-watch.ts';
import type { TaskManagerProcess } from './task-manager-process.ts';

/** What is on its way to close a channel takes no longer, even where a partition holds it up. */
const CLOSED_WITHIN_MS = 20_000;

/** I13: channels of attempts that have ended on both sides. */
export class DeadChannels {
  readonly #channels: ChannelWatch;
  /** By channel: since when both ends are dead. */
  readonly #since = new Map<string, number>();

  constructor(channels: ChannelWatch) {
    this.#channels = channels;
  }

  /** Looked at now and then. What is wrong, if something is. `taskManagers`: those that live. */
  look(taskManagers: readonly TaskManagerProcess[], nowMs: number): string | undefined {
    const ended = new Set<AttemptId>(
      taskManagers.flatMap(({ tasks }) =>
        tasks.reports.flatMap(({ attempt, state }) => (isTerminal(state) ? [attemptId(attempt)] : [])),
      ),
    );
    const dead = this.#channels.open.filter(({ producer, consumer }) => ended.has(producer) && ended.has(consumer));
    const names = new Set(dead.map(({ producer, consumer }) => `${producer} to ${consumer}`));
    for (const name of this.#since.keys()) {
      if (!names.has(name)) {
        this.#since.delete(name);
      }
    }
    for (const name of names) {
      const sinceMs = this.#since.get(name) ?? nowMs;
      this.#since.set(name, sinceMs);
      if (nowMs - sinceMs > CLOSED_WITHIN_MS) {
        return `the channel from ${name} is open, and both have ended`;
      }
    }
    return undefined;
  }
}
