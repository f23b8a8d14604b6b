import { MillraceError } from '../../../foundation/common/errors.ts';
import type { JobGraph, JobVertex } from '../../../pipeline/graph/job-graph.ts';
import type { ParallelismBounds, RescaleRequest, VertexParallelism } from '../../protocol/rescale-request.ts';
import { slotsNeeded } from '../scheduler/slot-table.ts';
import { slotsText } from '../scheduler/slots-text.ts';
import type { RescaleTargets } from './job-starter.ts';

/** Slots that a job can have: its own, and those that are free. */
export interface SlotsForJob {
  readonly own: number;
  readonly free: number;
}

/**
 * What parallelism each vertex is to get: its upper bound, or as much as there are slots for, its lower bound at least. Where slots are
 * short all upper bounds give way alike. Errors: BAD_OPTION for what makes no sense; NOT_ENOUGH_SLOTS.
 */
export const rescaleTargets = (
  graph: JobGraph,
  { parallelism, vertices }: RescaleRequest,
  slots: SlotsForJob,
): RescaleTargets => {
  if (parallelism !== undefined) {
    requireCount('the parallelism', parallelism);
  }
  const wanted = Object.entries(vertices).map(([id, bounds]) => ({ vertex: vertexOf(graph, id), bounds }));
  if (parallelism === undefined && wanted.length === 0) {
    throw new MillraceError('BAD_OPTION', 'neither a parallelism of the job nor of one of its vertices is given');
  }
  wanted.forEach(({ vertex, bounds }) => requireBounds(vertex, bounds));
  const capped = (cap: number): ReadonlyMap<string, number> =>
    new Map(
      wanted.map(({ vertex, bounds }) => [vertex.id, Math.max(bounds.lowerBound, Math.min(bounds.upperBound, cap))]),
    );
  const need = (targets: ReadonlyMap<string, number>): number =>
    sumOf(slotsNeeded({ ...graph, vertices: graph.vertices.map((vertex) => withParallelism(vertex, targets)) }));
  let cap = Math.max(1, ...wanted.map(({ bounds }) => bounds.upperBound));
  // What a parallelism of the job needs is known when it is drawn: then what is named is not made smaller for it.
  if (parallelism === undefined) {
    while (cap > 1 && need(capped(cap)) > slots.own + slots.free) {
      cap--;
    }
    requireSlots(graph.name, need(capped(cap)), slots);
  }
  const targets = capped(cap);
  const operators = graph.vertices.flatMap(({ id, operators: chain }) => {
    const target = targets.get(id);
    return target === undefined ? [] : chain.map((operator) => [operator.id, target] as const);
  });
  return { parallelism, operators: new Map(operators) };
};

export const parallelismOf = ({ vertices }: JobGraph): readonly VertexParallelism[] =>
  vertices.map(({ id, name, parallelism, maxParallelism }) => ({ id, name, parallelism, maxParallelism }));

/** Errors: BAD_OPTION for a job that cannot go on from a checkpoint. */
export const requireRescalable = ({ name, checkpointing }: JobGraph, jobId: string): void => {
  if (checkpointing === undefined) {
    throw new MillraceError(
      'BAD_OPTION',
      `job "${name}" takes no checkpoints, so it cannot go on with another parallelism by itself: "millrace stop ${jobId}", then ` +
        '"millrace run --fromSavepoint <savepoint> --parallelism <n> <job file>"; or switch checkpoints on ' +
        '(execution.checkpointing.interval)',
    );
  }
};

/** Errors: NOT_ENOUGH_SLOTS, with how many are missing, for a job drawn so. */
export const requireSlotsFor = (graph: JobGraph, slots: SlotsForJob): void =>
  requireSlots(graph.name, sumOf(slotsNeeded(graph)), slots);

const requireSlots = (job: string, needed: number, { own, free }: SlotsForJob): void => {
  const missing = needed - own - free;
  if (missing > 0) {
    throw new MillraceError(
      'NOT_ENOUGH_SLOTS',
      `job "${job}" would need ${slotsText(needed)}; it has ${own} and ${free} more ${free === 1 ? 'is' : 'are'} free: ` +
        `${slotsText(missing)} missing. Ask for less, or start more TaskManagers (millrace cluster add, or millrace taskmanager). It stays as it is`,
    );
  }
};

const vertexOf = ({ name, vertices }: JobGraph, id: string): JobVertex => {
  const found = vertices.find((vertex) => vertex.id === id);
  if (found === undefined) {
    const known = vertices.map((vertex) => `${vertex.id} (${vertex.name})`).join(', ');
    throw new MillraceError('BAD_OPTION', `job "${name}" has no vertex ${id}; it has ${known}`);
  }
  return found;
};

const requireBounds = ({ name, maxParallelism }: JobVertex, { lowerBound, upperBound }: ParallelismBounds): void => {
  requireCount(`the lower bound of vertex "${name}"`, lowerBound);
  requireCount(`the upper bound of vertex "${name}"`, upperBound);
  if (lowerBound > upperBound) {
    throw new MillraceError(
      'BAD_OPTION',
      `the lower bound of vertex "${name}" is ${lowerBound}, above its upper bound ${upperBound}`,
    );
  }
  if (upperBound > maxParallelism) {
    throw new MillraceError(
      'BAD_OPTION',
      `vertex "${name}" cannot have ${upperBound} subtasks: its max parallelism, the number of its key groups, is ${maxParallelism}`,
    );
  }
};

const requireCount = (what: string, value: number): void => {
  if (!Number.isInteger(value) || value < 1) {
    throw new MillraceError('BAD_OPTION', `${what} is ${value}; allowed: a whole number, 1 or more`);
  }
};

const withParallelism = (vertex: JobVertex, targets: ReadonlyMap<string, number>): JobVertex => ({
  ...vertex,
  parallelism: targets.get(vertex.id) ?? vertex.parallelism,
});

const sumOf = (groups: ReadonlyMap<string, number>): number =>
  [...groups.values()].reduce((sum, slots) => sum + slots, 0);
