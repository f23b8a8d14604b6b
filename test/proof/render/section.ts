import type { Judged } from '../judge.ts';
import type { Part, PartName } from '../proof.ts';
import { html, type Content, type Html } from './html.ts';
import { mark, rawDetails } from './table.ts';

export const TITLES: Readonly<Record<PartName, string>> = {
  model: 'Every order of events, in a model',
  simulation: 'The shipped code, in simulated clusters',
  mutants: 'Broken code is noticed by the simulation',
  sabotages: 'Broken processes are noticed by drills',
  drills: 'Real processes, killed and paused',
};

const PROBLEMS_SHOWN = 20;

/** What was found, what it shows, its table, its data, and how to get it again. */
export const section = <Data>(
  judged: Judged,
  part: Part<Data>,
  says: { readonly shows: Content; readonly body: (data: Data) => Content; readonly raw: (data: Data) => unknown },
): Html => {
  const { name, problems, result } = judged;
  const { data, failure, command } = part;
  const isGood = problems.length === 0;
  return html`<section id="${name}">
    <h2>${TITLES[name]}</h2>
    <p class="result">${mark(isGood, isGood ? 'as it must be' : 'not as it must be')} <span>${result}</span></p>
    <p class="shows">${says.shows}</p>
    ${isGood ? '' : problemList(problems)}
    ${failure === undefined || !failure.includes('\n') ? '' : html`<pre class="failure" tabindex="0">${failure}</pre>`}
    ${data === undefined ? '' : says.body(data)}
    <p class="again">Again: <code>${command}</code></p>
    ${data === undefined ? '' : rawDetails(says.raw(data))}
  </section>`;
};

const problemList = (problems: readonly string[]): Html =>
  html`<ul class="problems">
    ${problems.slice(0, PROBLEMS_SHOWN).map((problem) => html`<li>${problem}</li>`)}${
      problems.length > PROBLEMS_SHOWN ? html`<li>and ${problems.length - PROBLEMS_SHOWN} more</li>` : ''
    }
  </ul>`;

export const notRun = ({ name }: Judged): Html =>
  html`<section id="${name}">
    <h2>${TITLES[name]}</h2>
    <p class="result"><span class="mark off">not run</span></p>
  </section>`;

export const secondsText = (seconds: number): string =>
  seconds >= 120
    ? `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
    : `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
