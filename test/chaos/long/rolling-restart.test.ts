import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ClusterUnderTest } from '../cluster-under-test.ts';
import { CountedJob } from '../counted-job.ts';

let cluster: ClusterUnderTest | undefined;

afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const ROUNDS = 3;
const NAMES = ['jobmanager-1', 'jobmanager-2', 'jobmanager-3'];
const PAUSE_MS = 50;

/** Asks one JobManager after the other, all the time. A call that fails is repeated once, when another one leads. */
class PollingClient {
  readonly failures: string[] = [];
  calls = 0;
  readonly #cluster: ClusterUnderTest;
  readonly #path: string;
  readonly #ended: Promise<void>;
  #turn: Promise<void> = Promise.resolve();
  #isRepeating: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(asked: ClusterUnderTest, path: string) {
    this.#cluster = asked;
    this.#path = path;
    this.#ended = this.#run();
  }

  /** Resolves when the turn is over, and a call that failed in it has been repeated. */
  async during(turn: Promise<void>): Promise<void> {
    this.#turn = turn;
    await turn;
    await this.#isRepeating;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#isRepeating = this.#call(NAMES[this.calls % NAMES.length]!);
      await this.#isRepeating;
      this.calls++;
      await sleep(PAUSE_MS);
    }
  }

  async #call(name: string): Promise<void> {
    const failure = await this.#ask(name);
    if (failure !== undefined) {
      await this.#turn;
      const again = await this.#ask();
      if (again !== undefined) {
        this.failures.push(`${name}: ${failure}; again: ${again}`);
      }
    }
  }

  /** Of a certain one, else of the first that runs. `undefined`: it has answered. */
  async #ask(name?: string): Promise<string | undefined> {
    const endpoints = (name === undefined ? this.#cluster.running : [name]).flatMap(
      (each) => /REST endpoint at (http:\S+)/.exec(this.#cluster.logOf(each))?.[1] ?? [],
    );
    try {
      const response = await fetch(`${endpoints[0]}${this.#path}`);
      const text = await response.text();
      return response.ok ? undefined : `${response.status}: ${text}`;
    } catch (thrown) {
      return String(thrown);
    }
  }
}

test('each JobManager in turn is asked to end, three rounds: no task is restarted, no call fails that is repeated once', async () => {
  const current = await ClusterUnderTest.start({ jobManagers: NAMES.length, taskManagers: 2, slots: 1 });
  cluster = current;
  const job = await CountedJob.submit(current);
  await job.checkpointed();
  const client = new PollingClient(current, `/jobs/${job.jobId}`);
  const replace = async (name: string): Promise<void> => {
    expect(await current.stop(name)).toBe(0);
    await current.until('another one leads', () => current.leader !== undefined);
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of NAMES) {
      await client.during(replace(name));
      current.startAgain(name);
      await current.until(`${name} is back`, () => current.logOf(name).includes('REST endpoint at'));
      await job.checkpointed();
    }
  }
  await client.end();
  expect(client.failures).toEqual([]);
  expect(client.calls).toBeGreaterThan(0);
  await job.finished();
  expect(job.recounted).toEqual(job.exact);
  expect(job.starts).toBe(2);
});
