import { judge, type Judged, type Verdict } from '../judge.ts';
import { FULL, type About, type Proof } from '../proof.ts';
import { drillsSection } from './drills-section.ts';
import { html, Html } from './html.ts';
import { modelSection } from './model-section.ts';
import { mutantsSection } from './mutants-section.ts';
import { sabotagesSection } from './sabotages-section.ts';
import { notRun, secondsText, TITLES } from './section.ts';
import { simulationSection } from './simulation-section.ts';
import { STYLE } from './style.ts';
import { mark, table } from './table.ts';
import { headline, sentence } from './verdict.ts';

const GIGABYTE = 1_073_741_824;

const dateText = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;

const commandOf = ({ sizes }: About): string => {
  const { seeds, mutantSeeds, drills, first } = sizes;
  const options = [
    ...(seeds === FULL.seeds ? [] : [`--seeds ${seeds}`]),
    ...(mutantSeeds === FULL.mutantSeeds ? [] : [`--mutant-seeds ${mutantSeeds}`]),
    ...(drills === FULL.drills ? [] : [`--drills ${drills}`]),
    `--first ${first}`,
  ];
  return `npm run prove -- ${options.join(' ')}`;
};

const facts = (about: About): Html => {
  const { began, seconds, commit, isChanged, machine } = about;
  const { cpu, cores, memoryBytes, os, node, loadBefore } = machine;
  const entries: readonly (readonly [string, string | Html])[] = [
    ['Date', `${dateText(began)}, took ${secondsText(seconds)}`],
    ['Commit', html`<code>${commit ?? 'unknown'}</code>${isChanged ? ', with changes that are in no commit' : ''}`],
    [
      'Machine',
      `${cpu}, ${cores} cores, ${(memoryBytes / GIGABYTE).toFixed(0)} GB; load before: ${loadBefore.toFixed(1)}`,
    ],
    ['System', `${os}; Node ${node}`],
    ['Again', html`<code>${commandOf(about)}</code>`],
  ];
  return html`<dl>
    ${entries.map(
      ([term, what]) =>
        html`<dt>${term}</dt>
          <dd>${what}</dd>`,
    )}
  </dl>`;
};

const overview = ({ parts }: Verdict): Html =>
  table(
    'All parts',
    [
      { head: 'Part', isText: true },
      { head: '' },
      { head: 'What came of it', isText: true },
      { head: 'Time', isNumber: true },
    ],
    parts.map(({ name, seconds, result, problems }) => ({
      cells: [
        html`<a href="#${name}">${TITLES[name]}</a>`,
        seconds === undefined
          ? html`<span class="mark off">not run</span>`
          : mark(problems.length === 0, problems.length === 0 ? 'right' : 'wrong'),
        seconds === undefined ? '' : result,
        seconds === undefined ? '' : secondsText(seconds),
      ],
      isWrong: problems.length > 0,
    })),
  );

const sectionOf = (judged: Judged, proof: Proof): Html => {
  const { model, simulation, mutants, sabotages, drills } = proof;
  switch (judged.name) {
    case 'model':
      return model === undefined ? notRun(judged) : modelSection(judged, model);
    case 'simulation':
      return simulation === undefined ? notRun(judged) : simulationSection(judged, simulation);
    case 'mutants':
      return mutants === undefined ? notRun(judged) : mutantsSection(judged, mutants);
    case 'sabotages':
      return sabotages === undefined ? notRun(judged) : sabotagesSection(judged, sabotages);
    case 'drills':
      return drills === undefined ? notRun(judged) : drillsSection(judged, drills);
  }
};

const LIMITS = html`<footer>
  <p>
    What this page does not show: a model and simulations are only as good as what they leave out, and rules that no
    check looks at are not checked (docs/simulation.md names them). The drills run on one machine with one disk and one
    clock. Nothing here says that no fault is left; it says what was tried, how hard, and that the checks would have
    noticed what they were made for.
  </p>
</footer>`;

/** The whole page, in one file that needs nothing else. The same data gives the same page. */
export const page = (proof: Proof): string => {
  const verdict = judge(proof);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${headline(verdict)}: Millrace, ${dateText(proof.about.began)}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <p class="kind">Millrace, a highly available stream processor: what its promises were put to</p>
            <h1 class="${verdict.isGreen ? 'green' : 'red'}">${headline(verdict)}</h1>
            <p class="sentence">${sentence(proof, verdict)}</p>
            ${facts(proof.about)}
          </header>
          ${overview(verdict)} ${verdict.parts.map((judged) => sectionOf(judged, proof))} ${LIMITS}
        </main>
      </body>
    </html> `.markup;
};
