import { html, type Content, type Html } from './html.ts';

export interface Column {
  readonly head: Content;
  /** Numbers stand right. */
  readonly isNumber?: boolean;
  /** May be broken into lines; other columns are as wide as their longest cell. */
  readonly isText?: boolean;
}

export interface Row {
  readonly cells: readonly Content[];
  readonly isWrong?: boolean;
}

/** A table that scrolls within its own box where it is wider than the page. */
export const table = (label: string, columns: readonly Column[], rows: readonly Row[]): Html => {
  const classOf = ({ isNumber, isText }: Column): string =>
    isNumber === true ? 'number' : isText === true ? 'text' : '';
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">
    <table>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col" class="${classOf(column)}">${column.head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ cells, isWrong }) =>
            html`<tr${isWrong === true ? html` class="wrong"` : ''}>${cells.map(
              (cell, index) => html`<td class="${classOf(columns[index] ?? { head: '' })}">${cell}</td>`,
            )}</tr>\n`,
        )}
      </tbody>
    </table>
  </div>`;
};

/** Said in words too: colours alone tell some readers nothing. */
export const mark = (isRight: boolean, words: string): Html =>
  html`<span class="mark ${isRight ? 'right' : 'bad'}">${isRight ? '✓' : '✗'} ${words}</span>`;

/** Data as text, an element of a list in a line. */
export const rawText = (data: unknown): string => {
  if (data === null || typeof data !== 'object') {
    return JSON.stringify(data) ?? '';
  }
  return Object.entries(data)
    .map(([key, value]) =>
      Array.isArray(value)
        ? `${key}:\n${value.map((each) => `  ${JSON.stringify(each)}`).join('\n')}`
        : `${key}: ${JSON.stringify(value)}`,
    )
    .join('\n');
};

export const rawDetails = (data: unknown): Html =>
  html`<details>
    <summary>Raw data</summary>
    <pre tabindex="0">${rawText(data)}</pre>
  </details>`;
