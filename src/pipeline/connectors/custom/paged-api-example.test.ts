import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../../foundation/common/random.ts';
import { SinkAttempt, type SubtaskLists } from '../sink-harness.ts';
import type { Sink } from '../sink.ts';
import { SourceHarness, type SourceSnapshot } from '../source-harness.ts';
import type { Source } from '../source.ts';

interface Order {
  readonly id: number;
  readonly customer: string;
  readonly amount: number;
}

interface Invoice {
  readonly order: number;
  readonly customer: string;
  readonly total: number;
}

/** The example's modules, with `millrace` being these sources. */
interface Example {
  readonly createApi: (orders: number) => Server;
  readonly orders: (api: string) => Source<Order>;
  readonly invoices: (api: string) => Sink<Invoice>;
}

const ORDERS = 1000;
const exampleFolder = join(import.meta.dirname, '../../../../examples/paged-api');
let folder: string;
let example: Example;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-paged-api-'));
  const outfile = join(folder, 'example.mjs');
  await build({
    stdin: {
      contents: "export * from './server.ts'; export * from './source.ts'; export * from './sink.ts';",
      resolveDir: exampleFolder,
    },
    alias: { 'millrace/connectors/custom': join(import.meta.dirname, 'index.ts') },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile,
  });
  example = (await import(pathToFileURL(outfile).href)) as Example;
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Checkpoint {
  readonly id: number;
  readonly source: SourceSnapshot;
  readonly totals: ReadonlyMap<string, number>;
  readonly sink: SubtaskLists;
}

/** The job by hand: order by order, with checkpoints, dying at random places. */
class ExampleJob {
  readonly #api: string;
  readonly #random: Random;
  #newest: Checkpoint | undefined;
  #checkpointId = 0;

  constructor(api: string, random: Random) {
    this.#api = api;
    this.#random = random;
  }

  /** True when everything is read and committed. */
  async runAttempt(generation: number, mayDie: boolean): Promise<boolean> {
    const restored = this.#newest;
    const totals = new Map(restored?.totals);
    const reading = new SourceHarness(
      example.orders(this.#api),
      restored === undefined ? {} : { restored: restored.source },
    );
    const writing = await new SinkAttempt({
      behavior: example.invoices(this.#api).behavior,
      generation: `1.${generation}`,
      restored: restored === undefined ? undefined : { checkpointId: restored.id, subtasks: [restored.sink] },
    }).open();
    let taken = 0;
    for (;;) {
      const wanted = taken + 1 + this.#random.int(150);
      await reading.run(() => reading.isEnded || reading.emitted.length >= wanted);
      for (const { id, customer, amount } of reading.values.slice(taken)) {
        const total = (totals.get(customer) ?? 0) + amount;
        totals.set(customer, total);
        writing.write({ order: id, customer, total });
      }
      taken = reading.emitted.length;
      const id = ++this.#checkpointId;
      const source = reading.snapshot();
      const sink = await writing.checkpoint(id);
      const fate = mayDie ? this.#random.int(12) : 3;
      if (fate === 0) {
        return this.#die(reading);
      }
      if (fate === 1) {
        continue; // The checkpoint was aborted, the task goes on.
      }
      this.#newest = { id, source, totals: new Map(totals), sink };
      if (fate === 2) {
        return this.#die(reading);
      }
      await writing.operator.checkpointCompleted(id);
      if (reading.isEnded) {
        await reading.close();
        return true;
      }
    }
  }

  async #die(reading: SourceHarness<Order>): Promise<boolean> {
    await reading.close();
    return false;
  }
}

describe('the example of a paged HTTP API', () => {
  it('publishes one invoice for each order, whatever dies', async () => {
    const expected: Invoice[] = [];
    const totals = new Map<string, number>();
    for (let id = 1; id <= ORDERS; id++) {
      const customer = `customer ${id % 7}`;
      const total = (totals.get(customer) ?? 0) + ((id * 37) % 100);
      totals.set(customer, total);
      expected.push({ order: id, customer, total });
    }
    for (let seed = 1; seed <= 10; seed++) {
      const server = example.createApi(ORDERS);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        const job = new ExampleJob(api, seededRandom(seed));
        let generation = 1;
        while (!(await job.runAttempt(generation, generation < 6))) {
          generation++;
        }
        const published = (await (await fetch(`${api}/published`)).json()) as Invoice[];
        expect(published, `seed ${seed}`).toEqual(expected);
        expect(await (await fetch(`${api}/batches`)).json(), `seed ${seed}`).toEqual([]);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    }
  });
});
