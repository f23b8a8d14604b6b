import { inWords, type Judged } from '../judge.ts';
import type { ModelData, Part } from '../proof.ts';
import { html, type Content, type Html } from './html.ts';
import { section, secondsText } from './section.ts';
import { mark, table } from './table.ts';

type Row = ModelData['rows'][number];

const MUST = {
  sound: 'no rule is violated in any state',
  reach: 'the situation comes up',
  mutant: 'a rule is violated',
} as const;
const WORDS = {
  sound: ['nothing violated', 'violated, or not searched to the end'],
  reach: ['comes up', 'never comes up'],
  mutant: ['noticed', 'not noticed'],
} as const;

const cells = ({ name, kind, ok, violated, states, seconds }: Row): readonly Content[] => [
  html`<code>${name}</code>`,
  MUST[kind],
  mark(ok, WORDS[kind][ok ? 0 : 1]),
  violated ?? '',
  inWords(states),
  secondsText(seconds),
];

export const modelSection = (judged: Judged, part: Part<ModelData>): Html =>
  section(judged, part, {
    shows: html`A model of the protocol is searched by Spin: not some but all orders in which its processes can act,
    fail and hear of each other. The rules hold in each state, what must be possible does come up, and each model that
    is broken on purpose violates a rule.`,
    body: ({ rows }) => {
      const trails = rows.filter(({ ok, trail }) => !ok && trail !== undefined);
      return [
        table(
          'The model check',
          [
            { head: 'Model' },
            { head: 'Must be', isText: true },
            { head: 'Was' },
            { head: 'Rule violated', isText: true },
            { head: 'States', isNumber: true },
            { head: 'Time', isNumber: true },
          ],
          rows.map((row) => ({ cells: cells(row), isWrong: !row.ok })),
        ),
        ...trails.map(
          ({ name, trail }) =>
            html`<details>
              <summary>How ${name} came about</summary>
              <pre tabindex="0">${typeof trail === 'object' ? trail.join('\n') : trail}</pre>
            </details>`,
        ),
      ];
    },
    raw: ({ rows }) => ({ rows }),
  });
