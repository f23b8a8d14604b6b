export interface SabotageChange {
  /** Below `dist/`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

export declare const SABOTAGES: Readonly<
  Record<string, { readonly slow?: readonly SabotageChange[]; readonly changes: readonly SabotageChange[] }>
>;
export declare const changesOf: (name: string) => readonly SabotageChange[];
export declare const applyTo: (source: string, change: SabotageChange) => string;
