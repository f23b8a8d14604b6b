import { html, type Html } from './html.ts';

/** One bar for each number, in a small picture. */
export const histogram = (bins: readonly number[], label: string): Html => {
  const highest = Math.max(1, ...bins);
  const HEIGHT = 24;
  return html`<svg
    class="histogram"
    role="img"
    aria-label="${label}"
    viewBox="0 0 ${bins.length * 4} ${HEIGHT}"
    preserveAspectRatio="none"
  >
    ${bins.map((count, place) => {
      // What is there at all is seen.
      const height = count === 0 ? 0 : Math.max(1, (count / highest) * HEIGHT);
      return html`<rect
        x="${place * 4}"
        y="${(HEIGHT - height).toFixed(1)}"
        width="3"
        height="${height.toFixed(1)}"
      />`;
    })}
  </svg>`;
};

const shareOfLog = (value: number, from: number, to: number): number =>
  Math.min(1, Math.max(0, Math.log(Math.max(value, from) / from) / Math.log(to / from)));

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

/** A bar whose length is on a logarithmic scale from 1 to `most`. */
export const logBar = (value: number, most: number): Html =>
  html`<svg class="bar" aria-hidden="true">
    <rect width="${percent(Math.max(0.02, shareOfLog(value, 1, Math.max(2, most))))}" height="100%" rx="1" />
  </svg>`;

export interface Strip {
  readonly label: string;
  readonly values: readonly number[];
  readonly p50: number;
}

/** Decades and what lies between them, in milliseconds. */
const TICKS = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];

export const msText = (ms: number): string =>
  ms >= 1_000 ? `${(ms / 1_000).toFixed(ms % 1_000 === 0 ? 0 : 2)} s` : `${Math.round(ms)} ms`;

/** A logarithmic axis of time on which all these values are; pictures that are compared share one. */
export interface Axis {
  readonly from: number;
  readonly to: number;
}

export const axisOf = (values: readonly number[]): Axis => {
  const least = Math.max(
    1,
    values.reduce((one, other) => Math.min(one, other), Infinity),
  );
  const most = values.reduce((one, other) => Math.max(one, other), 1);
  const from = TICKS.findLast((tick) => tick <= least) ?? 1;
  return { from, to: TICKS.find((tick) => tick > from && tick >= most) ?? most };
};

/** Each value a dot, a row for each kind; its median is a line. */
export const strips = (rows: readonly Strip[], { from, to }: Axis): Html => {
  const ticks = TICKS.filter((tick) => tick >= from && tick <= to);
  // The axis is inset, so that its ends have room for their words.
  const at = (ms: number): string => percent(0.04 + 0.92 * shareOfLog(ms, from, to));
  const grid = ticks.map((tick) => html`<line class="grid" x1="${at(tick)}" x2="${at(tick)}" y1="0" y2="100%" />`);
  return html`<div class="strips">
    ${rows.map(
      ({ label, values, p50 }) =>
        html`<div class="strip-label">${label}</div>
          <svg class="strip" role="img" aria-label="${label}: ${values.length} times, median ${msText(p50)}">
            ${grid}
            <line class="median" x1="${at(p50)}" x2="${at(p50)}" y1="15%" y2="85%" />
            ${values.map(
              (value, index) =>
                html`<circle cx="${at(value)}" cy="${35 + (index % 3) * 15}%" r="3.5"
                  ><title>${msText(value)}</title></circle
                >`,
            )}
          </svg>`,
    )}
    <div class="strip-label"></div>
    <svg class="axis" aria-hidden="true">
      ${ticks.map(
        (tick, index) =>
          html`<text x="${at(tick)}" y="12" ${index % 2 === 1 ? html` class="minor"` : ''}>${msText(tick)}</text>`,
      )}
    </svg>
  </div>`;
};

/** A cell whose colour grows with its number, on a logarithmic scale. */
export const heatCell = (count: number, most: number, isThin: boolean): Html => {
  const heat = count === 0 ? 0 : 8 + 52 * shareOfLog(count + 1, 2, Math.max(4, most + 1));
  return html`<td class="heat${count === 0 ? ' none' : ''}${isThin ? ' thin' : ''}" style="--heat:${heat.toFixed(0)}%">
    ${count}
  </td>`;
};
