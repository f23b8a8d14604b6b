import type { Clock } from '../../../foundation/common/clock.ts';
import type { Random } from '../../../foundation/common/random.ts';
import { hasEnded } from '../../rest/schema/job-state.ts';
import type { ClusterProcess, LocalCluster } from '../local-cluster.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import { chooseVictim, drillField, type DrillRole, type PlannedRound } from './drill-plan.ts';
import type { DrillAction, DrillRequest } from './drill-request.ts';
import type { Probe } from './probe.ts';
import type { Finding } from './verdict.ts';
import { missingFor, type Missing, type Wanted } from './recovery.ts';

export interface DoneRound {
  readonly round: number;
  readonly action: DrillAction;
  readonly role: DrillRole;
  readonly victim: string;
  readonly atMs: number;
  readonly untilMs: number;
  /** Until the next leader said that the probe job runs; `undefined`: the leader did not change. */
  readonly takeoverMs: number | undefined;
  /** Until the first checkpoint was complete that was triggered after it. */
  readonly nextCheckpointMs: number | undefined;
}

export interface RoundsOptions {
  readonly request: DrillRequest;
  readonly cluster: LocalCluster;
  readonly watch: ClusterWatch;
  readonly probe: Probe;
  readonly random: Random;
  readonly clock: Clock;
  /** Values for a process that is started again which its command line does not have. */
  readonly secrets: Readonly<Record<string, string>>;
  /** TaskManagers that are registered when all is well. */
  readonly taskManagers: number;
  /** Ends every wait. */
  readonly interrupted: AbortSignal;
  readonly say: (line: string) => void;
}

/** As the supervisor waits before the first start. */
const RESTART_AFTER_MS = 500;
/** A cut whose drill was killed ends by itself that much later than it would have. */
const CUT_LEEWAY_MS = 30_000;
const LOOK_MS = 20;

/** Hits a process, waits until everything runs again, and so on. What it stops or ends it wakes or starts again. */
export class DrillRounds {
  readonly done: DoneRound[] = [];
  readonly findings: Finding[] = [];
  readonly #options: RoundsOptions;
  /** Processes that this drill has stopped or ended, and that are not back. */
  readonly #hit = new Map<string, ClusterProcess>();

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  /** Until the probe runs and a checkpoint is complete. */
  async settle(): Promise<boolean> {
    return this.#recovered('the probe job was submitted', { sinceMs: 0, aliveSinceMs: 0 });
  }

  /** Or until it is interrupted. */
  wait(delayMs: number): Promise<void> {
    return this.#pause(delayMs);
  }

  /** False: the cluster did not recover from this round, no other one makes sense. */
  async run(planned: PlannedRound): Promise<boolean> {
    const { cluster, watch, probe, random, clock, say } = this.#options;
    const { round, role, action } = planned;
    const victim = chooseVictim(
      role,
      { field: drillField(await cluster.processes()), leader: watch.leader, busyPids: await probe.busyPids() },
      random,
    );
    const what = `round ${round}: ${action} ${role} ${victim?.name ?? ''}`;
    if (victim === undefined) {
      this.findings.push({ kind: 'not-recovered', round, text: `${what}: there is no living process of that kind` });
      return false;
    }
    say(`${what} (pid ${victim.pid})${action === 'cut' ? this.#howToUndo() : ''}`);
    const { epoch } = watch;
    watch.isUrgent = true;
    const atMs = clock.now();
    await this.#hitAndBringBack(victim, action);
    const isBack = await this.#recovered(what, { sinceMs: atMs, aliveSinceMs: clock.now() }, round);
    watch.isUrgent = false;
    const nextCheckpoint = watch.checkpoints.find(({ triggeredMs }) => triggeredMs >= atMs);
    await this.#until(() => clock.now() >= atMs + this.#options.request.everyMs);
    // The end of a round follows a checkpoint: the next failure has to fall on any moment between two of them.
    await this.#pause(random.int(this.#options.request.checkpointIntervalMs));
    this.done.push({
      round,
      action,
      role,
      victim: victim.name,
      atMs,
      untilMs: clock.now(),
      takeoverMs: elapsed(atMs, watch.runningAfter(epoch)),
      nextCheckpointMs: elapsed(atMs, nextCheckpoint?.completedMs),
    });
    return isBack;
  }

  async finish(): Promise<boolean> {
    const { probe, watch, request } = this.#options;
    await probe.end();
    const hasFinished = await this.#until(
      () => watch.probe !== undefined && hasEnded(watch.probe.state),
      request.recoveryMs,
    );
    const state = watch.probe?.state;
    if (state !== 'FINISHED') {
      const how = hasFinished
        ? `has ended as ${state}`
        : `did not finish (${state}) within ${request.recoveryMs / 1000} s`;
      this.findings.push({ kind: 'not-recovered', text: `all splits were ended, but the probe job ${how}` });
    }
    return state === 'FINISHED';
  }

  /** Wakes and starts again whatever this drill has hit; for every way in which it ends. */
  async bringBack(): Promise<void> {
    for (const victim of this.#hit.values()) {
      await this.#options.cluster.signal(victim, 'SIGCONT');
      await this.#startAgain(victim);
    }
    this.#hit.clear();
    await this.#options.cluster.cuts.end();
  }

  async #hitAndBringBack(victim: ClusterProcess, action: DrillAction): Promise<void> {
    const { request, interrupted } = this.#options;
    this.#hit.set(victim.name, victim);
    await this.#hitBy(action, victim);
    await this.#pause(action === 'kill' ? RESTART_AFTER_MS : request.pauseMs);
    if (interrupted.aborted) {
      return;
    }
    await this.#bringBackFrom(action, victim);
    this.#hit.delete(victim.name);
  }

  async #hitBy(action: DrillAction, victim: ClusterProcess): Promise<void> {
    const { cluster } = this.#options;
    switch (action) {
      case 'kill':
        await cluster.signal(victim, 'SIGKILL');
        return;
      case 'pause':
        await cluster.signal(victim, 'SIGSTOP');
        return;
      case 'cut':
        await cluster.cuts.cut(victim, this.#cutLimitMs);
        return;
    }
  }

  async #bringBackFrom(action: DrillAction, victim: ClusterProcess): Promise<void> {
    const { cluster } = this.#options;
    switch (action) {
      case 'kill':
        return this.#startAgain(victim);
      case 'pause':
        await cluster.signal(victim, 'SIGCONT');
        return;
      case 'cut':
        await cluster.cuts.end();
        return;
    }
  }

  get #cutLimitMs(): number {
    return cutLimitMs(this.#options.request);
  }

  #howToUndo(): string {
    const { undo } = this.#options.cluster.cuts;
    return `; if this drill does not live to end the cut, it ends ${this.#cutLimitMs / 1000} s from now, or with: ${undo}`;
  }

  /** Where there is a supervisor it does so. */
  async #startAgain({ name }: ClusterProcess): Promise<void> {
    const { cluster, secrets } = this.#options;
    const processes = await cluster.processes();
    const isSupervised = processes.some(({ kind, isAlive }) => kind === 'supervisor' && isAlive);
    if (!isSupervised && processes.some((process) => process.name === name && !process.isAlive)) {
      await cluster.startAgain(name, secrets);
    }
  }

  async #recovered(what: string, wanted: Wanted, round?: number): Promise<boolean> {
    const { cluster, watch, request, taskManagers, interrupted } = this.#options;
    let missing: readonly Missing[] = [];
    const look = async (): Promise<boolean> => {
      missing = missingFor(wanted, { processes: await cluster.processes(), watch, taskManagers });
      return missing.length === 0 || (watch.probe !== undefined && hasEnded(watch.probe.state));
    };
    await this.#until(look, request.recoveryMs);
    if (missing.length > 0 && !interrupted.aborted) {
      const kind = missing.some((each) => each.kind === 'two-leaders') ? 'two-leaders' : 'not-recovered';
      const reasons = missing.map(({ text }) => text).join('; ');
      const text = `${what}: after ${request.recoveryMs / 1000} s ${reasons}`;
      this.findings.push({ kind, text, ...(round === undefined ? {} : { round }) });
    }
    return missing.length === 0;
  }

  /** False: not within `limitMs`, or interrupted. */
  async #until(holds: () => boolean | Promise<boolean>, limitMs = Infinity): Promise<boolean> {
    const { clock, interrupted } = this.#options;
    const deadline = clock.monotonic() + limitMs;
    for (;;) {
      if (await holds()) {
        return true;
      }
      if (interrupted.aborted || clock.monotonic() >= deadline) {
        return false;
      }
      await this.#pause(LOOK_MS);
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { clock, interrupted } = this.#options;
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        interrupted.removeEventListener('abort', done);
        resolve();
      };
      const timer = clock.after(delayMs, done);
      interrupted.addEventListener('abort', done);
      if (interrupted.aborted) {
        done();
      }
    });
  }
}

/** How long a cut lasts when nobody ends it. */
export const cutLimitMs = ({ pauseMs }: Pick<DrillRequest, 'pauseMs'>): number => pauseMs + CUT_LEEWAY_MS;

const elapsed = (fromMs: number, untilMs: number | undefined): number | undefined =>
  untilMs === undefined ? undefined : Math.max(0, Math.round(untilMs - fromMs));
