/** What must be there, what is there, and what is there twice or missing. */
export declare const recount: (
  folder: string,
  count: number,
) => {
  readonly expected: number;
  readonly committed: number;
  readonly repeated: number;
  readonly missing: number;
  readonly unexpected: number;
};
/** How often tasks were started. */
export declare const starts: (folder: string) => number;
