/** Names of nodes in a queue: `<guid>-<label>-<number>`, and the ensemble gives the number. */
const NUMBER = /-(\d{10})$/;

export const prefixOf = (guid: string, label: string): string => `${guid}-${label}-`;

/** Those with this label, the first of the queue first. */
export const inOrder = (names: readonly string[], label: string): readonly string[] =>
  names
    .flatMap((name) => {
      const number = NUMBER.exec(name)?.[1];
      return number !== undefined && name.endsWith(`-${label}-${number}`) ? [{ name, number }] : [];
    })
    // Of equal length.
    .sort((a, b) => (a.number < b.number ? -1 : 1))
    .map(({ name }) => name);
