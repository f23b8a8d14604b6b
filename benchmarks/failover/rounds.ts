import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterProcess, FailoverCluster } from './cluster.ts';
import { readOpened, type Stamps } from './stamps.ts';

export const KINDS = ['leader-killed', 'leader-paused', 'taskmanager-killed', 'taskmanager-paused'] as const;
export type Kind = (typeof KINDS)[number];

/** A stretch of time and what was seen in it; times in ms. */
export interface Line {
  readonly kind: Kind;
  readonly round: number;
  readonly stretch: 'quiet' | 'failure';
  /** Processes that run or wait to, over the last minute. */
  readonly load: number;
  /** The share of the stretch in which something on this machine waited for a core. */
  readonly waiting: number;
  readonly grantedMs: number | undefined;
  readonly takeoverMs: number | undefined;
  readonly beyondMs: number | undefined;
  readonly emitGapMs: number;
  readonly commitGapMs: number;
  readonly restarts: number;
  readonly leaderMb: number;
}

/** How long a stretch is, by the defaults of the lease (5 s) and the heartbeat (6 s) and the wanted figures. */
const STRETCH_MS: Readonly<Record<Kind, number>> = {
  'leader-killed': 3_000,
  'leader-paused': 9_000,
  'taskmanager-killed': 4_000,
  'taskmanager-paused': 11_000,
};

/** Splits of the probe's source. */
const SPLITS = 2;
const STAMP_SOURCE = /probe\/keeping/;

/** All processes of the machine share it, the stamps are of it. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface Expected {
  readonly jobs: number;
  readonly taskManagers: number;
}

/** One quiet stretch, then one with a failure that begins it, then everything is mended. */
export class Rounds {
  readonly #cluster: FailoverCluster;
  readonly #stamps: Stamps | undefined;
  readonly #expected: Expected;
  readonly #stretchMs: number | undefined;

  /** Without `stamps` takeovers alone are measured. */
  constructor(cluster: FailoverCluster, stamps: Stamps | undefined, expected: Expected, stretchMs?: number) {
    this.#cluster = cluster;
    this.#stamps = stamps;
    this.#expected = expected;
    this.#stretchMs = stretchMs;
  }

  /** Everything runs and is known to the leader. */
  async settle(): Promise<void> {
    const { jobs, taskManagers } = this.#expected;
    await this.#cluster.until('all jobs run under the leader that all TaskManagers follow', () => {
      const term = this.#cluster.leader?.log.term;
      const followers = this.#cluster.running.filter(
        ({ role, log }) => role === 'taskmanager' && log.registeredEpoch === term?.epoch,
      );
      return term !== undefined && term.running.size >= jobs && followers.length === taskManagers;
    });
    await this.#cluster.until('all JobManagers are there', () =>
      this.#cluster.running.every(({ role, log }) => role === 'taskmanager' || log.isStandby || log.term !== undefined),
    );
    // What has just started has work of its own.
    await sleep(1_000);
  }

  async run(kind: Kind, round: number): Promise<readonly Line[]> {
    await this.settle();
    const quiet = await this.#stretch(kind, round, 'quiet', async () => ({}));
    const failure = await this.#stretch(kind, round, 'failure', () => this.#fail(kind));
    return [quiet, failure];
  }

  async #stretch(
    kind: Kind,
    round: number,
    stretch: Line['stretch'],
    begin: () => Promise<Partial<Line> & { readonly mend?: () => void }>,
  ): Promise<Line> {
    const lengthMs = this.#stretchMs ?? STRETCH_MS[kind];
    const sinceMs = monotonicMs();
    const pressure = waitedUs();
    const { mend, ...seen } = await begin();
    const untilMs = sinceMs + lengthMs;
    await sleep(Math.max(0, untilMs - monotonicMs()));
    const waiting = (waitedUs() - pressure) / 1_000 / (monotonicMs() - sinceMs);
    mend?.();
    // A gap that began in the stretch ends with a stamp after it.
    await this.#cluster.until('the probe emits and commits', () => {
      this.#stamps?.look(sinceMs - lengthMs - 5_000);
      return (
        this.#stamps === undefined || Math.min(this.#stamps.lastMs('emit'), this.#stamps.lastMs('commit')) > untilMs
      );
    });
    const isOfTaskManager = kind.startsWith('taskmanager') && stretch === 'failure';
    return {
      kind,
      round,
      stretch,
      load: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
      waiting,
      grantedMs: seen.grantedMs,
      takeoverMs: seen.takeoverMs,
      beyondMs: isOfTaskManager ? this.#stamps?.beyondMs(sinceMs, SPLITS) : undefined,
      emitGapMs: this.#stamps?.gapMs('emit', sinceMs, untilMs) ?? Number.NaN,
      commitGapMs: this.#stamps?.gapMs('commit', sinceMs, untilMs) ?? Number.NaN,
      restarts: this.#stamps === undefined ? Number.NaN : openedSince(this.#cluster.work, sinceMs),
      leaderMb: this.#cluster.leader === undefined ? 0 : this.#cluster.residentMb(this.#cluster.leader),
    };
  }

  #fail(kind: Kind): Promise<Partial<Line> & { readonly mend: () => void }> {
    switch (kind) {
      case 'leader-killed':
        return this.#leader('SIGKILL');
      case 'leader-paused':
        return this.#leader('SIGSTOP');
      case 'taskmanager-killed':
        return this.#taskManager('SIGKILL');
      case 'taskmanager-paused':
        return this.#taskManager('SIGSTOP');
    }
  }

  async #leader(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Partial<Line> & { readonly mend: () => void }> {
    const leader = this.#cluster.leader!;
    const before = leader.log.term!.epoch;
    const atMs = Date.now();
    leader.child.kill(signal);
    const { jobs, taskManagers } = this.#expected;
    await this.#cluster.until('another one leads and has taken over', () => {
      const term = this.#cluster.leader?.log.term;
      return (
        term !== undefined && term.epoch > before && term.running.size >= jobs && term.following.size >= taskManagers
      );
    });
    const { grantedMs, running, following } = this.#cluster.leader!.log.term!;
    return {
      grantedMs: grantedMs - atMs,
      takeoverMs: Math.max(...running.values(), ...following.values()) - atMs,
      mend: () => this.#mend(leader, signal),
    };
  }

  /** One that runs a part of the probe. */
  async #taskManager(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Partial<Line> & { readonly mend: () => void }> {
    const newest = readOpened(this.#cluster.work).findLast(({ what }) => STAMP_SOURCE.test(what));
    const process = this.#cluster.byPid(newest?.pid ?? 0)!;
    process.child.kill(signal);
    return { mend: () => this.#mend(process, signal) };
  }

  #mend(process: ClusterProcess, signal: 'SIGKILL' | 'SIGSTOP'): void {
    if (signal === 'SIGKILL') {
      this.#cluster.start(process.role, process.name);
    } else {
      process.log.registeredEpoch = undefined;
      process.child.kill('SIGCONT');
    }
  }
}

const openedSince = (folder: string, sinceMs: number): number =>
  readOpened(folder).filter(({ atMs }) => atMs > sinceMs).length;

/** In which something waited for a core, since the machine was started; 0 where the system does not tell. */
const waitedUs = (): number => {
  try {
    return Number(/^some .*total=(\d+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
};
