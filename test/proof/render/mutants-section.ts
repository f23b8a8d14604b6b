import { inWords, type Judged } from '../judge.ts';
import type { MutantsData, Part } from '../proof.ts';
import { logBar } from './charts.ts';
import { html, type Html } from './html.ts';
import { rulesTable, withoutRequirement } from './rules.ts';
import { section, secondsText } from './section.ts';
import { mark, table } from './table.ts';

export const mutantsSection = (judged: Judged, part: Part<MutantsData>): Html =>
  section(judged, part, {
    shows: html`A check that never failed is worth nothing. So the shipped code is broken on purpose, one rule at a
    time, and the same simulation runs until the check that the rule serves notices; a broken version that stays
    unnoticed makes this page red.`,
    body: ({ mutants }) => {
      const most = Math.max(1, ...mutants.map(({ schedules }) => schedules));
      const versions = table(
        'Broken versions, and what noticed them',
        [
          { head: 'Broken version' },
          { head: 'What is broken', isText: true },
          { head: 'Noticed by' },
          { head: 'Seed', isNumber: true },
          { head: 'Schedules needed', isNumber: true },
          { head: '' },
          { head: 'Time', isNumber: true },
        ],
        mutants.map(({ name, breaks, invariant, isCaught, seed, schedules, seconds }) => ({
          cells: [
            html`<code>${name}</code>`,
            withoutRequirement(breaks),
            mark(isCaught, isCaught ? invariant : `not by ${invariant}`),
            seed ?? '',
            inWords(schedules),
            logBar(schedules, most),
            secondsText(seconds),
          ],
          isWrong: !isCaught,
        })),
      );
      return [
        versions,
        html`<details>
          <summary>What the rules say</summary>
          ${rulesTable(mutants.map(({ invariant }) => invariant))}
        </details>`,
      ];
    },
    raw: (data) => data,
  });
