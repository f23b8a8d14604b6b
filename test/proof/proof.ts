import type { Hunted } from '../simulation/run/hunt.ts';
import type { SummaryData } from '../simulation/run/summary.ts';

/** What shows that Millrace keeps its promises, in the order in which it is run. */
export const PARTS = ['model', 'simulation', 'mutants', 'sabotages', 'drills'] as const;
export type PartName = (typeof PARTS)[number];

/** How much is done. */
export interface Sizes {
  /** Simulated schedules. */
  readonly seeds: number;
  /** Schedules in which a mutant has to be noticed. */
  readonly mutantSeeds: number;
  /** Drills with real processes. */
  readonly drills: number;
  /** The first seed of each part. */
  readonly first: number;
}

export const FULL: Sizes = { seeds: 2_000, mutantSeeds: 2_000, drills: 20, first: 1 };

/** On what, when and with what it ran. Nothing in it names a person, a host or a folder. */
export interface About {
  /** ISO 8601, UTC. */
  readonly began: string;
  readonly seconds: number;
  readonly commit: string | undefined;
  /** There were changes that are in no commit. */
  readonly isChanged: boolean;
  readonly sizes: Sizes;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly os: string;
    readonly node: string;
    /** Load average of the last minute, before anything was started. */
    readonly loadBefore: number;
  };
}

/** One part, as it ran. */
export interface Part<Data> {
  /** What runs it again. */
  readonly command: string;
  readonly seconds: number;
  /** Missing where it came to nothing. */
  readonly data?: Data;
  /** Of its program, where it says what is in the data too. */
  readonly exitCode?: number;
  /** Why it came to nothing, or not to its end. */
  readonly failure?: string;
}

/** Of `test/model/check.ts --json`. */
export interface ModelData {
  readonly rows: readonly {
    readonly name: string;
    /** `sound`: the model itself, nothing may be violated; `reach`: a situation that has to be possible; `mutant`: a broken model. */
    readonly kind: 'sound' | 'reach' | 'mutant';
    readonly ok: boolean;
    readonly states: number;
    readonly seconds: number;
    readonly violated?: string;
    readonly trail?: string | readonly string[];
  }[];
}

/** Of `test/simulation/simulate.ts --json`. */
export interface SimulationData extends SummaryData {
  readonly world: string;
  readonly first: number;
  readonly processes: number;
  readonly minutes: number;
}

/** Of `test/simulation/simulate.ts --mutants --json`. */
export interface MutantsData {
  readonly mutants: readonly Hunted[];
  readonly first: number;
}

export interface Finding {
  readonly kind: string;
  readonly text: string;
}

/** What one drill with real processes said; docs/drill.md describes its fields. */
export interface DrillData {
  /** Arguments of `millrace drill`. */
  readonly args: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** Why it did not come to a verdict. */
  readonly failure?: string;
  readonly verdict?: string;
  readonly findings: readonly Finding[];
  readonly records?: {
    readonly expected: number;
    readonly committed: number;
    readonly lost: number;
    readonly doubled: number;
    readonly unexpected: number;
    readonly miscounted: number;
  };
  readonly quiet?: { readonly emitGapMs: number | null; readonly commitGapMs: number | null };
  readonly rounds: readonly DrillRound[];
}

export interface DrillRound {
  readonly round: number;
  readonly action: string;
  readonly role: string;
  readonly takeoverMs: number | null;
  readonly nextCheckpointMs: number | null;
  readonly emitGapMs: number | null;
  readonly commitGapMs: number | null;
  readonly taskRestarts: number;
}

export interface SabotagesData {
  readonly sabotages: readonly {
    readonly name: string;
    /** What is broken, in words. */
    readonly breaks: string;
    /** What a drill has to find; missing: it has to stay green. */
    readonly finds?: string;
    readonly drill: DrillData;
  }[];
}

export interface DrillsData {
  readonly jobManagers: number;
  readonly taskManagers: number;
  readonly drills: readonly (DrillData & { readonly kind: string })[];
}

/** All that a run came to; a part that is missing was not wanted. */
export interface Proof {
  readonly about: About;
  readonly model?: Part<ModelData>;
  readonly simulation?: Part<SimulationData>;
  readonly mutants?: Part<MutantsData>;
  readonly sabotages?: Part<SabotagesData>;
  readonly drills?: Part<DrillsData>;
}
