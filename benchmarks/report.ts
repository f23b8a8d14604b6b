export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The value below which the share `p` (0 to 1) of all lies. */
export const percentile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? Number.NaN;

export const human = (value: number): string => {
  const units = ['', ' k', ' M', ' G'];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 1_000 && unit < units.length - 1) {
    scaled /= 1_000;
    unit++;
  }
  return `${scaled >= 100 ? scaled.toFixed(0) : scaled.toPrecision(3)}${units[unit]}`;
};

const verdict = (holds: boolean): string => (holds ? 'ok' : 'SHORT');

/** A ratio of two figures of one run, with the baseline beside it. */
export const ratioLine = (
  name: string,
  figures: {
    readonly unit: string;
    readonly measured: number;
    readonly baseline: number;
    readonly baselineName: string;
    readonly atLeast: number;
  },
): void => {
  const ratio = figures.measured / figures.baseline;
  process.stdout.write(
    `${name.padEnd(40)} ${ratio.toFixed(2)} x  (${human(figures.measured)} against ${human(figures.baseline)} ${figures.unit} ` +
      `of ${figures.baselineName})  wanted ${figures.atLeast} x  ${verdict(ratio >= figures.atLeast)}\n`,
  );
};

/** A figure that is not compared with anything, and the bound it should keep. */
export const figureLine = (
  name: string,
  value: string,
  bound?: { readonly text: string; readonly holds: boolean },
): void => {
  const wanted = bound === undefined ? '' : `  wanted ${bound.text}  ${verdict(bound.holds)}`;
  process.stdout.write(`${name.padEnd(40)} ${value}${wanted}\n`);
};
