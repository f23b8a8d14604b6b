export interface Recount {
  readonly expected: number;
  readonly committed: number;
  readonly repeated: number;
  readonly missing: number;
  readonly unexpected: number;
}
export interface TaskLine {
  readonly subtask: number;
  readonly pid: number;
  readonly atMs: number;
}
/** Of a job that numbers the values 0 to `count` - 1 by so many keys: `key n value`, for the n-th value of each key. */
export declare const recount: (folder: string, count: number, keys?: number) => Recount;
/** What must be there, what is committed in that folder, and what of it is there twice or missing. */
export declare const recountLines: (out: string, lines: Iterable<string>) => Recount;
/** The lines of all files of a sink whose names are final. */
export declare const committedLines: (out: string) => readonly string[];
/** The starts of tasks, in their order: of which subtask, in which process, when. */
export declare const openings: (folder: string) => readonly TaskLine[];
/** How often tasks were started. */
export declare const starts: (folder: string) => number;
/** Signs of life of tasks that get records: of which subtask, in which process, when. */
export declare const progress: (folder: string) => readonly TaskLine[];
