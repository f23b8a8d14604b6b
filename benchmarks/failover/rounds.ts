import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterProcess, FailoverCluster } from './cluster.ts';
import { loadNow, mainThreadTimes, pressureNow } from './pressure.ts';
import { readOpened, type Stamps } from './stamps.ts';
import { embeddedStore, type FailoverStore } from './store.ts';

/** The last one: 200 jobs that keep ten checkpoints each, takeovers alone. */
export const KINDS = [
  'leader-killed',
  'taskmanager-killed',
  'leader-paused',
  'taskmanager-paused',
  'store-leader-killed',
  'many-jobs',
] as const;
export type Kind = (typeof KINDS)[number];

/** A stretch of time and what was seen in it; times in ms. */
export interface Line {
  readonly kind: Kind;
  readonly round: number;
  readonly stretch: 'quiet' | 'failure';
  readonly load: number;
  /** The share of the stretch in which something on this machine waited for a core. */
  readonly waitedForCore: number;
  readonly waitedForDisk: number;
  readonly grantedMs: number | undefined;
  readonly takeoverMs: number | undefined;
  /** So long the main thread of the new leader ran until its takeover was noticed here, and so long it waited for a core. */
  readonly leaderRanMs: number | undefined;
  readonly leaderWaitedMs: number | undefined;
  readonly beyondMs: number | undefined;
  readonly emitGapMs: number | undefined;
  readonly commitGapMs: number | undefined;
  readonly restarts: number | undefined;
  readonly leaderMb: number;
  /** Of whoever leads, its epoch aside. */
  readonly leaderChanges: number | undefined;
}

/** How long a stretch is, by the defaults of the lease (5 s) and the heartbeat (6 s) and the wanted figures. */
export const STRETCH_MS: Readonly<Record<Kind, number>> = {
  'leader-killed': 3_000,
  'taskmanager-killed': 4_000,
  'leader-paused': 9_000,
  'taskmanager-paused': 11_000,
  // An election of an ensemble takes seconds of its ticks.
  'store-leader-killed': 10_000,
  'many-jobs': 3_000,
};

/** For a look: takeovers end in them, a gap that comes later is missed; and a quiet stretch is no longer than it takes. */
const SHORT_STRETCH_MS: Readonly<Record<Kind, number>> = {
  'leader-killed': 2_000,
  'taskmanager-killed': 2_500,
  'leader-paused': 6_500,
  'taskmanager-paused': 8_000,
  'store-leader-killed': 6_000,
  'many-jobs': 2_000,
};
const SHORT_QUIET_MS = 2_000;

/** The time between two rounds: what was killed starts again, everything runs. */
export const MENDING_MS = 4_500;

export const isOfLeader = (kind: Kind): boolean => !kind.startsWith('taskmanager');

/** Splits of the probe's source. */
const SPLITS = 2;
const STAMP_SOURCE = /probe\/keeping/;
const INTERVAL_MS = 1_000;

/** All processes of the machine share it, the stamps are of it. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface RoundsOptions {
  /** Without them takeovers alone are measured. */
  readonly stamps?: Stamps;
  readonly jobs: number;
  readonly taskManagers: number;
  readonly isShort: boolean;
  readonly store: FailoverStore;
}

/** What is seen at once; `mend` ends the failure. */
type Begun = TakenOver & { readonly mend: () => void };
type TakenOver = Pick<Line, 'grantedMs' | 'takeoverMs' | 'leaderRanMs' | 'leaderWaitedMs'>;

const NOTHING: TakenOver = {
  grantedMs: undefined,
  takeoverMs: undefined,
  leaderRanMs: undefined,
  leaderWaitedMs: undefined,
};

/** One quiet stretch, then one with a failure that begins it, then everything is mended. */
export class Rounds {
  readonly #cluster: FailoverCluster;
  readonly #options: RoundsOptions;

  constructor(cluster: FailoverCluster, options: RoundsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Everything runs and is known to the leader. */
  async settle(): Promise<void> {
    const { jobs, taskManagers } = this.#options;
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

  /** About how long it takes. */
  expectedMs(kind: Kind): number {
    const lengths = this.#options.isShort ? SHORT_QUIET_MS + this.#lengthMs(kind) : 2 * this.#lengthMs(kind);
    return lengths + INTERVAL_MS + MENDING_MS;
  }

  #lengthMs(kind: Kind): number {
    const { isShort, store } = this.#options;
    const longer = kind === 'leader-paused' ? store.leaseMs - embeddedStore.leaseMs : 0;
    return (isShort ? SHORT_STRETCH_MS : STRETCH_MS)[kind] + Math.max(0, longer);
  }

  async run(kind: Kind, round: number): Promise<readonly Line[]> {
    const { isShort } = this.#options;
    const lengthMs = this.#lengthMs(kind);
    await this.settle();
    const nothing = { ...NOTHING, mend: () => {} };
    const quietMs = isShort ? SHORT_QUIET_MS : lengthMs;
    const quiet = await this.#stretch({ kind, round, stretch: 'quiet', lengthMs: quietMs }, async () => nothing);
    // Not always at the same moment between two checkpoints.
    await sleep(Math.random() * INTERVAL_MS);
    const failure = await this.#stretch({ kind, round, stretch: 'failure', lengthMs }, () => this.#fail(kind));
    return [quiet, failure];
  }

  async #stretch(
    { lengthMs, ...about }: Pick<Line, 'kind' | 'round' | 'stretch'> & { readonly lengthMs: number },
    begin: () => Promise<Begun>,
  ): Promise<Line> {
    const { stamps } = this.#options;
    const sinceMs = monotonicMs();
    const before = pressureNow();
    const leaderBefore = this.#cluster.leader;
    const { mend, ...takenOver } = await begin();
    const untilMs = sinceMs + lengthMs;
    await sleep(Math.max(0, untilMs - monotonicMs()));
    const after = pressureNow();
    const passedMs = monotonicMs() - sinceMs;
    mend();
    const losesTasks = !isOfLeader(about.kind) && about.stretch === 'failure';
    const beyondMs = (): number | undefined => (losesTasks ? stamps?.beyondMs(sinceMs, SPLITS) : undefined);
    // A gap that began in the stretch ends with a stamp after it.
    await this.#cluster.until('the probe emits and commits', () => {
      stamps?.look(sinceMs - lengthMs - 5_000);
      const lastMs = stamps === undefined ? Infinity : Math.min(stamps.lastMs('emit'), stamps.lastMs('commit'));
      return lastMs > untilMs && (!losesTasks || beyondMs() !== undefined);
    });
    const { leader } = this.#cluster;
    return {
      ...about,
      load: loadNow(),
      waitedForCore: (after.coresMs - before.coresMs) / passedMs,
      waitedForDisk: (after.disksMs - before.disksMs) / passedMs,
      ...takenOver,
      beyondMs: beyondMs(),
      emitGapMs: stamps?.gapMs('emit', sinceMs, untilMs),
      commitGapMs: stamps?.gapMs('commit', sinceMs, untilMs),
      restarts: stamps === undefined ? undefined : openedSince(this.#cluster.work, sinceMs),
      leaderMb: leader === undefined ? 0 : this.#cluster.residentMb(leader),
      leaderChanges: about.kind === 'store-leader-killed' ? Number(leader !== leaderBefore) : undefined,
    };
  }

  #fail(kind: Kind): Promise<Begun> {
    switch (kind) {
      case 'leader-killed':
      case 'many-jobs':
        return this.#leader('SIGKILL');
      case 'leader-paused':
        return this.#leader('SIGSTOP');
      case 'taskmanager-killed':
        return this.#taskManager('SIGKILL');
      case 'taskmanager-paused':
        return this.#taskManager('SIGSTOP');
      case 'store-leader-killed':
        return this.#storeLeader();
    }
  }

  async #leader(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Begun> {
    const leader = this.#cluster.leader!;
    const before = leader.log.term!.epoch;
    const standbys = this.#cluster.running.filter((process) => process.role === 'jobmanager' && process !== leader);
    const times = new Map(standbys.map((process) => [process, mainThreadTimes(process.child.pid!)]));
    const atMs = Date.now();
    leader.child.kill(signal);
    const { jobs, taskManagers } = this.#options;
    await this.#cluster.until('another one leads and has taken over', () => {
      const term = this.#cluster.leader?.log.term;
      return (
        term !== undefined && term.epoch > before && term.running.size >= jobs && term.following.size >= taskManagers
      );
    });
    const next = this.#cluster.leader!;
    const { ranMs, waitedMs } = mainThreadTimes(next.child.pid!);
    const earlier = times.get(next);
    const { grantedMs, running, following } = next.log.term!;
    return {
      leaderRanMs: earlier && ranMs - earlier.ranMs,
      leaderWaitedMs: earlier && waitedMs - earlier.waitedMs,
      grantedMs: grantedMs - atMs,
      takeoverMs: Math.max(...running.values(), ...following.values()) - atMs,
      mend: () => this.#mend(leader, signal),
    };
  }

  /** Whoever leads goes on leading: what it has not heard of is not ended by it. */
  async #storeLeader(): Promise<Begun> {
    const { killLeader } = this.#options.store;
    if (killLeader === undefined) {
      throw new Error('the store has no servers');
    }
    return { ...NOTHING, mend: await killLeader() };
  }

  /** One that runs a part of the probe. */
  async #taskManager(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Begun> {
    const newest = readOpened(this.#cluster.work).findLast(({ what }) => STAMP_SOURCE.test(what));
    const process = this.#cluster.byPid(newest?.pid ?? 0)!;
    process.child.kill(signal);
    return { ...NOTHING, mend: () => this.#mend(process, signal) };
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
