export interface CodeChange {
  /** Below the folder of the code. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

export declare const loadChanged: (base: string, changes: readonly CodeChange[]) => void;
export declare const applyTo: (source: string, change: CodeChange) => string;
