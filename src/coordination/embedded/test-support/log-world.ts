import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { silentLogger } from '../../../foundation/common/logger.ts';
import { codeOf } from '../../../foundation/common/errors.ts';
import { seededRandom, type Random } from '../../../foundation/common/random.ts';
import { DiskFileSystem } from '../../../foundation/filesystem/disk/disk-file-system.ts';
import { MemoryDisk } from '../../../foundation/filesystem/memory/memory-disk.ts';
import { MemoryFileSystem } from '../../../foundation/filesystem/memory/memory-file-system.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { openStoreRoot } from '../store-root.ts';
import { TransactionLog } from '../transaction-log.ts';
import { DiskGate, type GatedProcess } from './gated-disk.ts';

const FOLDER = '/ha';

interface Write {
  readonly key: string;
  readonly epoch: number;
  outcome: 'open' | 'written' | 'lost' | 'undecided';
}

interface Grant {
  readonly process: string;
  /** Of the records when it was granted: what a lower epoch wrote is not above it. */
  readonly revision: number;
}

/** Calls of the disk that the processes need for what they are at, undisturbed. */
const STEPS_TO_END_MAX = 20_000;

/** Turns of the event loop between two renewals of a stand-in, at most. */
const STAND_IN_PAUSE_MAX = 80;

/**
 * Processes that write to one store and die, sleep and take over as the seed says, each with a stand-in that renews and sleeps apart from
 * it; checks what they see against each other.
 */
export class LogWorld {
  readonly #random: Random;
  readonly #disk = new MemoryDisk(() => 1);
  readonly #gate: DiskGate;
  readonly #clock = new ManualClock();
  readonly #writes: Write[] = [];
  readonly #grants = new Map<number, Grant>();
  /** What the store was after each entry, by whoever saw it first. */
  readonly #images = new Map<number, string>();
  /** Whether what was undecided is there, as said by a read that decides it. */
  readonly #settled = new Map<string, boolean>();
  /** Of the newest entry that somebody was told of. */
  #durableNumber = 0;
  #processes: GatedProcess[] = [];
  /** By process. */
  readonly #standIns = new Map<GatedProcess, GatedProcess>();
  #started = 0;
  failure: unknown;
  /** What happened, for a test that wants to know that it did. */
  readonly counts = {
    ...{ written: 0, lost: 0, undecided: 0, takeovers: 0, reads: 0, deaths: 0, powerLosses: 0, sleeps: 0 },
    ...{ renewed: 0, renewedInVain: 0 },
  };

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#gate = new DiskGate(this.#random);
  }

  async run(steps: number, faultProbability: number): Promise<void> {
    for (let step = 0; step < steps && this.failure === undefined; step++) {
      this.#gate.faultProbability = step > 50 ? faultProbability : 0;
      while (this.#processes.length < 3) {
        this.#start();
      }
      this.#disturb();
      await this.#gate.step();
    }
    this.#gate.faultProbability = 0;
    for (const process of [...this.#processes, ...this.#standIns.values()]) {
      process.state = process.state === 'dead' ? 'dead' : 'runs';
    }
    this.#isEnding = true;
    // Whoever slept wakes and comes to its end.
    for (let step = 0; this.failure === undefined && (await this.#gate.step()); step++) {
      ok(step < STEPS_TO_END_MAX, 'I8: undisturbed, the processes do not come to an end');
    }
    if (this.failure !== undefined) {
      throw this.failure;
    }
    await this.#checkEnd();
  }

  #isEnding = false;
  #isPowerFailing = false;

  #disturb(): void {
    const dice = this.#random.int(1000);
    const process = this.#processes[this.#random.int(this.#processes.length)];
    if (process === undefined) {
      return;
    }
    const standIn = this.#standIns.get(process) ?? process;
    if (dice < 8) {
      process.state = 'sleeps';
      // Alone, or with its stand-in.
      standIn.state = dice < 4 ? 'sleeps' : standIn.state;
      this.counts.sleeps++;
    } else if (dice < 14) {
      process.state = 'runs';
      standIn.state = 'runs';
    } else if (dice < 16) {
      this.#kill([process]);
      this.counts.deaths++;
    } else if ((dice < 17 && this.#started > 3) || this.#isPowerFailing) {
      this.#isPowerFailing = false;
      this.#kill(this.#processes);
      this.#disk.crash(this.#random);
      for (const number of this.#images.keys()) {
        if (number > this.#durableNumber) {
          this.#images.delete(number);
        }
      }
      this.counts.powerLosses++;
    }
    const [first] = this.#processes;
    if (first !== undefined && this.#processes.every(({ state }) => state === 'sleeps')) {
      first.state = 'runs';
    }
  }

  #kill(processes: readonly GatedProcess[]): void {
    for (const process of processes) {
      process.state = 'dead';
      (this.#standIns.get(process) ?? process).state = 'dead';
    }
    for (const write of this.#writes) {
      // Who would have been told is dead: it may be there or not.
      write.outcome = write.outcome === 'open' ? 'undecided' : write.outcome;
    }
    this.#processes = this.#processes.filter(({ state }) => state !== 'dead');
  }

  #start(): void {
    const process: GatedProcess = { name: `p${this.#started++}`, state: 'runs' };
    const standIn: GatedProcess = { name: `${process.name}'s`, state: 'runs' };
    this.#processes.push(process);
    this.#standIns.set(process, standIn);
    void Promise.all([this.#live(process), this.#standInFor(process, standIn)]).catch((error: unknown) => {
      if (process.state !== 'dead') {
        this.failure ??= error;
      }
    });
  }

  async #live(process: GatedProcess): Promise<void> {
    const fs = new DiskFileSystem(
      'memory',
      this.#gate.disk(this.#disk, process),
      seededRandom(this.#random.int(2 ** 31)),
    );
    const log = await this.#open(fs);
    this.#look(log);
    while (!this.#isEnding) {
      const action = this.#random.int(10);
      if (action === 0) {
        await this.#takeOver(process, log);
      } else if (action < 3) {
        await this.#read(log);
      } else {
        await this.#write(process, log);
      }
      this.#look(log);
    }
  }

  /** Renews now and then under the newest grant of its process, whether that still leads or not. */
  async #standInFor({ name }: GatedProcess, standIn: GatedProcess): Promise<void> {
    const random = seededRandom(this.#random.int(2 ** 31));
    const fs = new DiskFileSystem('memory', this.#gate.disk(this.#disk, standIn), random);
    let log: TransactionLog | undefined;
    for (;;) {
      await turns(random.int(STAND_IN_PAUSE_MAX));
      if (this.#isEnding || standIn.state === 'dead') {
        return;
      }
      const [epoch] = [...this.#grants].findLast(([, grant]) => grant.process === name) ?? [];
      if (epoch === undefined) {
        continue;
      }
      log ??= await this.#open(fs);
      const outcome = await log.append({ kind: 'renew', epoch });
      if (outcome.kind === 'decided' && outcome.result.kind === 'applied') {
        this.counts.renewed++;
        this.#durable(log);
      } else if (outcome.kind === 'decided') {
        this.counts.renewedInVain++;
      }
      this.#look(log);
      log = random.int(2) === 0 ? undefined : log;
    }
  }

  async #open(fs: DiskFileSystem): Promise<TransactionLog> {
    for (;;) {
      try {
        const random = seededRandom(this.#random.int(2 ** 31));
        const root = await openStoreRoot({ fs, folder: FOLDER, random, beforeCreation: async () => undefined });
        const logger = silentLogger;
        return await TransactionLog.open({ ...root, clock: this.#clock, random, logger, snapshotInterval: 3 });
      } catch (error) {
        const code = codeOf(error);
        ok(code === 'STORE_AWAY' || code === 'FILESYSTEM', `opening: ${String(error)}`);
      }
    }
  }

  async #takeOver(process: GatedProcess, log: TransactionLog): Promise<void> {
    const outcome = await log.append({
      kind: 'claim',
      endpoints: { instanceId: process.name, rpcAddress: '', restAddress: '' },
      sessionId: '',
      atMs: 0,
      expected: log.state.expectedClaim,
      cause: 'suspected',
    });
    const isApplied = outcome.kind === 'decided' && outcome.result.kind === 'applied';
    // A lost answer is found out by reading on: others may have been granted in what was read.
    if (isApplied && log.state.claim?.endpoints.instanceId === process.name) {
      const { epoch, revision } = log.state;
      ok(!this.#grants.has(epoch), `I5: epoch ${epoch} is granted twice`);
      this.#grants.set(epoch, { process: process.name, revision });
      this.counts.takeovers++;
    }
  }

  async #write(process: GatedProcess, log: TransactionLog): Promise<void> {
    // Also under a leadership that this process has lost, or does not know yet whether it has.
    const epochs = [...this.#grants].filter(([, grant]) => grant.process === process.name).map(([epoch]) => epoch);
    const epoch = epochs.at(-1);
    if (epoch === undefined) {
      return this.#takeOver(process, log);
    }
    const several = Array.from({ length: 1 + this.#random.int(2) }, () => this.#writeOne(log, epoch));
    await Promise.all(several);
  }

  async #writeOne(log: TransactionLog, epoch: number): Promise<void> {
    const write: Write = { key: `k/${this.#writes.length}`, epoch, outcome: 'open' };
    this.#writes.push(write);
    const outcome = await log.append({
      kind: 'change',
      epoch,
      changes: [{ kind: 'put', key: write.key, value: String(epoch), expected: 'absent' }],
    });
    if (outcome.kind === 'undecided') {
      write.outcome = 'undecided';
      this.counts.undecided++;
      await this.#settle(log, write);
    } else {
      strictEqual(outcome.result.kind === 'conflict', false, `${write.key} was written twice`);
      write.outcome = outcome.result.kind === 'applied' ? 'written' : 'lost';
      this.counts[write.outcome]++;
      if (write.outcome === 'written') {
        this.#durable(log);
      }
    }
  }

  /** A read after a settling one says for good whether it is there. */
  async #settle(log: TransactionLog, { key }: Write): Promise<void> {
    try {
      await log.refresh();
      this.#durable(log);
      this.#settled.set(key, log.state.get(key) !== undefined);
    } catch (error) {
      strictEqual(codeOf(error), 'STORE_AWAY', String(error));
    }
  }

  async #read(log: TransactionLog): Promise<void> {
    const before = this.#writes.filter(({ outcome }) => outcome === 'written').map(({ key }) => key);
    try {
      await log.refresh();
    } catch (error) {
      strictEqual(codeOf(error), 'STORE_AWAY', String(error));
      return;
    }
    this.counts.reads++;
    this.#durable(log);
    // What a read has shown must survive even this.
    this.#isPowerFailing ||= this.#random.int(20) === 0;
    for (const key of before) {
      ok(log.state.get(key) !== undefined, `R14: a read that began after ${key} was written does not see it`);
    }
  }

  #durable({ state }: TransactionLog): void {
    this.#durableNumber = Math.max(this.#durableNumber, state.number);
  }

  /** All processes see the same store after the same entry. */
  #look({ state }: TransactionLog): void {
    const image = JSON.stringify(state.image());
    const known = this.#images.get(state.number);
    if (known === undefined) {
      this.#images.set(state.number, image);
    } else {
      strictEqual(image, known, `two processes disagree about entry ${state.number}`);
    }
  }

  async #checkEnd(): Promise<void> {
    const fs = new MemoryFileSystem({ disk: this.#disk });
    const log = await this.#open(fs);
    this.#look(log);
    for (const { key, outcome, epoch } of this.#writes) {
      const record = log.state.get(key);
      if (outcome !== 'undecided') {
        strictEqual(record !== undefined, outcome === 'written', `${key} of epoch ${epoch} was said to be ${outcome}`);
      }
      const settled = this.#settled.get(key);
      ok(settled === undefined || settled === (record !== undefined), `R2: ${key} was settled as ${settled}`);
    }
    const inOrder = log.state.list('k/').toSorted((a, b) => a.version - b.version);
    const epochs = inOrder.map(({ value }) => Number(value));
    deepStrictEqual(
      epochs,
      epochs.toSorted((a, b) => a - b),
      'I1: writes of two leaders interleave',
    );
    for (const [epoch, { revision }] of this.#grants) {
      const late = inOrder.find(({ value, version }) => Number(value) < epoch && version > revision);
      strictEqual(late, undefined, `I1: ${late?.key} was written by a deposed leader after the grant of ${epoch}`);
    }
  }
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
};
