import { MillraceError } from '../../../foundation/common/errors.ts';

/**
 * Nothing of a job may be restored: its newest checkpoint cannot be used, and what runs is ahead of any other (R5, R12). Until a
 * checkpoint above `aboveId` is complete, one is taken at once, again and again, that refers to no file of another.
 */
export interface RestoreBan {
  /** No such id is given out any more. */
  readonly aboveId: number;
  /** What is wrong, for people: `checkpoint 7 cannot be used: ...`. */
  readonly reason: string;
  /** What somebody can do about it, both ways, as the end of a sentence. */
  readonly choices: string;
}

/** Of two the one that ends later; people read the newer reason. */
export const strongerBan = (before: RestoreBan | undefined, ban: RestoreBan, floor: number): RestoreBan => ({
  ...ban,
  aboveId: Math.max(before?.aboveId ?? 0, ban.aboveId, floor),
});

/** A region has to be restored, and must not be: the job is set aside. */
export const restoreBanned = ({ reason, choices }: RestoreBan): MillraceError =>
  new MillraceError(
    'JOB_SET_ASIDE',
    `${reason}; no new checkpoint was complete before tasks had to start again, and from what there is they must not: ${choices}`,
  );

export const banBegins = ({ reason }: RestoreBan): string =>
  `Taking a full checkpoint at once, and restoring nothing until it is complete: ${reason}`;

export const banEnds = (checkpointId: number): string =>
  `Checkpoint ${checkpointId} refers to no other one: from here on tasks can be restored again`;
