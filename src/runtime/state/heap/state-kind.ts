/** What a state of a keyed backend is. The numbers are part of the format: never change or reuse one. */
export const STATE_KINDS = {
  value: 1,
  list: 2,
  map: 3,
  reducing: 4,
  aggregating: 5,
  table: 6,
  mapTable: 7,
  timers: 8,
} as const;

export type StateKind = keyof typeof STATE_KINDS;

const KINDS_BY_CODE: ReadonlyMap<number, StateKind> = new Map(
  Object.entries(STATE_KINDS).map(([kind, code]) => [code, kind as StateKind]),
);

export const stateKindOf = (code: number): StateKind | undefined => KINDS_BY_CODE.get(code);

/** For messages: as the state was asked for. */
export const describeKind = (kind: StateKind): string => {
  switch (kind) {
    case 'table':
    case 'timers':
      return kind;
    case 'mapTable':
      return 'map table';
    default:
      return `${kind} state`;
  }
};
