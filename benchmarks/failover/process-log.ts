import { closeSync, openSync, readSync, statSync } from 'node:fs';

/** One time of leading, as the log of the leader tells it; times are of the wall clock, in ms. */
export interface Term {
  readonly epoch: number;
  readonly grantedMs: number;
  ledMs: number | undefined;
  /** When each job was RUNNING first. */
  readonly running: Map<string, number>;
  /** When each TaskManager had answered a command of this epoch. */
  readonly following: Map<string, number>;
}

const LINE = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(\d{3}) \w+ +(.*)$/;
const GRANTED = /was granted leadership with leaderSessionID=\S+ \(epoch (\d+)\)/;
const LEADS = / leads with epoch (\d+)/;
const RUNNING = /\(([0-9a-f]{32})\) switched from state \w+ to RUNNING/;
const FOLLOWS = /^TaskManager (\S+) takes the commands of epoch (\d+)/;
const REGISTERED = /^Registered with the leader of epoch (\d+)/;
const REST = /^REST endpoint at (\S+)/;
const STANDBY = /^(?:Standby: waiting|New leader elected)/;
const COMPLETED = /^Completed checkpoint \d+ for job ([0-9a-f]{32})/;

const chunk = Buffer.alloc(65_536);

/** What a process has said so far, read on at each look. */
export class ProcessLog {
  readonly path: string;
  /** The newest. */
  term: Term | undefined;
  restAddress: string | undefined;
  isStandby = false;
  /** Of a TaskManager: the epoch of the leader that it is registered with. */
  registeredEpoch: number | undefined;
  /** Completed checkpoints, by job. */
  readonly completed = new Map<string, number>();
  #offset = 0;
  #rest = '';

  constructor(path: string) {
    this.path = path;
  }

  look(): void {
    if (statSync(this.path).size === this.#offset) {
      return;
    }
    const file = openSync(this.path, 'r');
    try {
      for (;;) {
        const bytes = readSync(file, chunk, 0, chunk.length, this.#offset);
        if (bytes === 0) {
          break;
        }
        this.#offset += bytes;
        const lines = (this.#rest + chunk.toString('utf8', 0, bytes)).split('\n');
        this.#rest = lines.pop() ?? '';
        lines.forEach((line) => this.#read(line));
      }
    } finally {
      closeSync(file);
    }
  }

  #read(line: string): void {
    const parts = LINE.exec(line);
    if (parts === null) {
      return;
    }
    const [, day, time, ms, said = ''] = parts;
    const atMs = Date.parse(`${day}T${time}.${ms}Z`);
    const granted = GRANTED.exec(said);
    if (granted !== null) {
      const epoch = Number(granted[1]);
      this.term = { epoch, grantedMs: atMs, ledMs: undefined, running: new Map(), following: new Map() };
    }
    this.#readTerm(said, atMs);
    this.restAddress = REST.exec(said)?.[1] ?? this.restAddress;
    this.isStandby ||= STANDBY.test(said);
    const registered = REGISTERED.exec(said);
    this.registeredEpoch = registered === null ? this.registeredEpoch : Number(registered[1]);
    const job = COMPLETED.exec(said)?.[1];
    if (job !== undefined) {
      this.completed.set(job, (this.completed.get(job) ?? 0) + 1);
    }
  }

  #readTerm(said: string, atMs: number): void {
    const { term } = this;
    if (term === undefined) {
      return;
    }
    const leads = LEADS.exec(said);
    if (leads !== null && Number(leads[1]) === term.epoch) {
      term.ledMs = atMs;
    }
    const job = RUNNING.exec(said)?.[1];
    if (job !== undefined && !term.running.has(job)) {
      term.running.set(job, atMs);
    }
    const follows = FOLLOWS.exec(said);
    if (follows !== null && Number(follows[2]) === term.epoch) {
      term.following.set(follows[1]!, atMs);
    }
  }
}
