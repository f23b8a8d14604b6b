import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent, DemoCluster } from './demo-cluster.ts';
import { PrintedSums } from './printed-sums.ts';
import type { Demo } from './run-demo.ts';

const LOOK_MS = 15;
/** What takes longer hangs, however busy the machine is. */
const DEADLINE_MS = 180_000;
/** A job in one of these states goes no further. */
const ENDED = new Set(['FINISHED', 'FAILED', 'CANCELED', 'SUSPENDED']);

/** When an event came, once it has. */
export interface Sighting {
  readonly atMs: number | undefined;
}

interface Expected {
  readonly isMeant: (event: ClusterEvent) => boolean;
  readonly came: (() => void) | undefined;
  atMs: number | undefined;
}

/** Shows the sums that the job prints as they come, and knows from the logs how the cluster is. */
export class ClusterWatch {
  readonly sums = new PrintedSums();
  readonly #demo: Demo;
  readonly #cluster: DemoCluster;
  readonly #expected = new Set<Expected>();
  /** Who leads, or led last. */
  leader = '';
  /** The TaskManager whose task printed last. */
  printer = '';
  jobState = '';
  checkpoints = 0;
  /** The checkpoint that tasks were started from last. */
  restored = 0;

  constructor(demo: Demo, cluster: DemoCluster) {
    this.#demo = demo;
    this.#cluster = cluster;
  }

  /** How often tasks of the job were started, counted by themselves. */
  get taskStarts(): number {
    const file = join(this.#demo.folder, 'starts.log');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
  }

  /** Waits for the first event for which `isMeant` holds, and calls `came`. */
  expect(isMeant: (event: ClusterEvent) => boolean, came?: () => void): Sighting {
    const expected: Expected = { isMeant, came, atMs: undefined };
    this.#expected.add(expected);
    return expected;
  }

  /** Events that were expected and have not come mean nothing any more. */
  expectNothing(): void {
    this.#expected.clear();
  }

  /** Rejects when it takes too long, and when the job ends before. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + DEADLINE_MS;
    for (;;) {
      this.look();
      if (holds()) {
        return;
      }
      if (ENDED.has(this.jobState)) {
        throw new Error(`waited for this: ${what}; but the job is ${this.jobState} already`);
      }
      if (performance.now() > deadlineMs) {
        throw new Error(`waited ${DEADLINE_MS / 1000} s for this: ${what}`);
      }
      await sleep(LOOK_MS, undefined, { signal: this.#demo.interruption });
    }
  }

  /** Goes on looking while a command runs. Rejects as it does. */
  async during(command: Promise<void>): Promise<void> {
    const isOver = command.then(() => true);
    do {
      this.look();
    } while (!(await Promise.race([isOver, sleep(LOOK_MS, false)])));
    this.#demo.interruption.throwIfAborted();
  }

  /** Takes note of what has happened since. */
  look(): void {
    const atMs = performance.now();
    for (const event of this.#cluster.events()) {
      this.#note(event, atMs);
      for (const expected of this.#expected) {
        if (expected.isMeant(event)) {
          this.#expected.delete(expected);
          expected.atMs = atMs;
          expected.came?.();
        }
      }
    }
  }

  #note(event: ClusterEvent, atMs: number): void {
    switch (event.kind) {
      case 'printed':
        this.printer = event.process;
        this.#demo.stage.sum(event.sum, this.sums.add(event.sum, atMs));
        break;
      case 'leads':
        this.leader = event.process;
        break;
      case 'job':
        this.jobState = event.state;
        break;
      case 'checkpoint-completed':
        this.checkpoints++;
        break;
      case 'restoring':
        this.restored = event.checkpoint;
        break;
      case 'serves':
        break;
    }
  }
}
