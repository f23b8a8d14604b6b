import { inWords, isOfWholeRun, type Judged } from '../judge.ts';
import type { Part, SimulationData } from '../proof.ts';
import { heatCell, histogram } from './charts.ts';
import { html, type Html } from './html.ts';
import { section } from './section.ts';
import { table } from './table.ts';

const numberText = (value: number): string => (Number.isInteger(value) ? inWords(value) : value.toFixed(1));

/** How often each fault struck where. */
const heatMap = (data: SimulationData): Html => {
  const { points, faults, thin } = data;
  const most = Math.max(1, ...faults.flatMap(({ hits }) => hits));
  const isThin = new Set(isOfWholeRun(data) ? thin : []);
  return html`<div class="scroll" role="region" aria-label="How often each fault struck at each point" tabindex="0">
    <table class="heat-map">
      <thead>
        <tr>
          <th scope="col">Fault</th>
          ${points.map((point) => html`<th scope="col" class="upright"><span>${point}</span></th>`)}
        </tr>
      </thead>
      <tbody>
        ${faults.map(
          ({ name, hits }) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${hits.map((count, index) => heatCell(count, most, isThin.has(`${name} @ ${points[index]}`)))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
};

const again = ({ violations, world }: SimulationData): Html =>
  html`<p>Each violation again, with what every process said:</p>
    <ul>
      ${violations.map(
        ({ seed }) =>
          html`<li>
            <code>npm run simulate -- --seed ${seed}${world === 'small' ? '' : ` --world ${world}`} --minimize</code>
          </li>`,
      )}
    </ul>`;

export const simulationSection = (judged: Judged, part: Part<SimulationData>): Html =>
  section(judged, part, {
    shows: html`Whole clusters of the shipped code run in one thread, on simulated clocks, networks, disks and a log; a
    seed draws every delay and every fault, and rules are checked after each step. The tables show that these schedules
    were worth something: how long and how eventful they were, which rare situations they came to, and which fault
    struck where.`,
    body: (data) => [
      html`<p>
        ${inWords(data.counted)} of ${inWords(data.schedules)} schedules were long and eventful enough to count (seeds
        ${data.first} to ${data.first + data.schedules - 1}); ${inWords(Math.round(data.schedules / data.minutes))} a
        minute.
      </p>`,
      data.violations.length === 0 ? '' : again(data),
      table(
        'How the schedules were distributed',
        [
          { head: 'Of a schedule' },
          { head: 'Distribution' },
          ...['min', 'p5', 'p50', 'p95', 'max', 'counts from'].map((head) => ({ head, isNumber: true })),
        ],
        data.distributions.map(({ name, bins, min, p5, p50, p95, max, countsFrom }) => ({
          cells: [
            name,
            histogram(bins, `from ${numberText(min)} to ${numberText(max)}`),
            ...[min, p5, p50, p95, max, countsFrom].map(numberText),
          ],
        })),
      ),
      table(
        'Rare situations',
        [{ head: 'Rare situation' }, { head: 'Times', isNumber: true }],
        data.rareStates.map(({ name, times }) => ({
          cells: [name, inWords(times)],
          isWrong: data.missed.includes(name),
        })),
      ),
      html`<h3>Which fault struck where, how often</h3>
        <p>
          Each fault has to strike, and each point to be struck at. Of 10,000 schedules each cell has to have 20; of
          fewer it is chance how many the rarest ones have.
        </p>`,
      heatMap(data),
    ],
    raw: (data) => data,
  });
