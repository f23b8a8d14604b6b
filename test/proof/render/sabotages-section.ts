import { isReported, type Judged } from '../judge.ts';
import type { Part, SabotagesData } from '../proof.ts';
import { html, type Html } from './html.ts';
import { section, secondsText } from './section.ts';
import { mark, table } from './table.ts';

/** What the drill sees itself, by asking the cluster; all else is found by the verifier, in files. */
const OF_DRILL = ['two-leaders', 'not-recovered', 'checkpoint-id'];

export const sabotagesSection = (judged: Judged, part: Part<SabotagesData>): Html =>
  section(judged, part, {
    shows: html`The same question for real processes: a cluster is started with one rule of its code broken, and a drill
    kills or pauses what makes the rule count. The drill, or the independent verifier that reads the output, has to say
    so; a cluster that is only slowed down must stay green.`,
    body: ({ sabotages }) =>
      table(
        'Sabotages, and who reported them',
        [
          { head: 'Sabotage' },
          { head: 'What is broken', isText: true },
          { head: 'Has to be found' },
          { head: 'Was found', isText: true },
          { head: 'By' },
          { head: 'Seed', isNumber: true },
          { head: 'Time', isNumber: true },
        ],
        sabotages.map(({ name, breaks, finds, drill }) => {
          const isRight = isReported(finds, drill);
          const found = [...new Set(drill.findings.map(({ kind }) => kind))].join(', ');
          return {
            cells: [
              html`<code>${name}</code>`,
              breaks,
              finds ?? 'nothing',
              mark(isRight, drill.failure === undefined ? found || 'nothing' : 'no verdict'),
              finds === undefined ? '' : OF_DRILL.includes(finds) ? 'drill' : 'verifier',
              drill.seed,
              secondsText(drill.seconds),
            ],
            isWrong: !isRight,
          };
        }),
      ),
    raw: ({ sabotages }) => ({ sabotages }),
  });
