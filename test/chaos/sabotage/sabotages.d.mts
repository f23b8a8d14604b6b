import type { CodeChange } from '../../code-changes.mjs';

export declare const SABOTAGES: Readonly<
  Record<string, { readonly slow?: readonly CodeChange[]; readonly changes: readonly CodeChange[] }>
>;
export declare const changesOf: (name: string) => readonly CodeChange[];
