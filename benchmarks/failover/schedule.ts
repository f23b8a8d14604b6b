import { KINDS, type Kind } from './rounds.ts';

export type Counts = Readonly<Partial<Record<Kind, number>>>;

/** All rounds, each kind spread evenly over the whole: whatever the machine does meanwhile, all kinds see the same of it. */
export const scheduleOf = (counts: Counts): readonly Kind[] =>
  KINDS.flatMap((kind) => {
    const count = counts[kind] ?? 0;
    return Array.from({ length: count }, (_, index) => ({ kind, at: (index + 0.5) / count }));
  })
    .toSorted((one, other) => one.at - other.at)
    .map(({ kind }) => kind);

/** `75:03` */
export const minutesText = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
