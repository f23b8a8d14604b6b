import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';

interface Event {
  readonly name: string;
  readonly kind: string;
  readonly epoch?: number;
  readonly id?: number;
  readonly leader?: string;
  readonly outcome?: string;
}

const SCRIPT = join(import.meta.dirname, 'test-support', 'ha-process.ts');

let folder: string;
let events: Event[];
let processes: Map<string, ChildProcessByStdio<Writable, Readable, null>>;
let wake: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-ha-'));
  events = [];
  processes = new Map();
  wake = () => undefined;
});

afterEach(async () => {
  for (const child of processes.values()) {
    child.kill('SIGKILL');
  }
  await Promise.all([...processes.values()].map((child) => exitOf(child)));
  await rm(folder, { recursive: true });
});

const exitOf = (child: ChildProcessByStdio<Writable, Readable, null>): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => {
        child.once('exit', () => resolve());
      });

const start = (name: string, leaseMs: number): void => {
  const child = spawn(process.execPath, ['--no-warnings', SCRIPT, join(folder, 'ha'), name, String(leaseMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  processes.set(name, child);
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line) as Event);
    wake();
  });
};

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
};

const grants = (): readonly Event[] => events.filter(({ kind }) => kind === 'granted');
const idsOf = (epoch: number): readonly number[] =>
  events.filter((event) => event.kind === 'id' && event.epoch === epoch).map(({ id }) => id ?? 0);
const child = (name: string): ChildProcessByStdio<Writable, Readable, null> => processes.get(name)!;

/** All three are there, one leads, and the others see it. */
const startThree = async (leaseMs: number): Promise<string> => {
  ['one', 'two', 'three'].forEach((name) => start(name, leaseMs));
  const sees = (name: string): string | undefined =>
    events.findLast((event) => event.kind === 'sees' && event.name === name)?.leader;
  await until(() => {
    const leader = grants().at(-1)?.name;
    return leader !== undefined && ['one', 'two', 'three'].every((name) => sees(name) === leader);
  });
  return grants().at(-1)!.name;
};

/** I1, I5: each id once, and all of a later epoch above all of an earlier one. */
const checkIds = (): void => {
  const written = events.filter(({ kind }) => kind === 'id');
  const inOrder = written.toSorted((a, b) => a.id! - b.id!);
  expect(new Set(written.map(({ id }) => id)).size).toBe(written.length);
  const epochs = inOrder.map(({ epoch }) => epoch!);
  expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
  const granted = grants().map(({ epoch }) => epoch);
  expect(new Set(granted).size).toBe(granted.length);
};

test('a leader killed with SIGKILL in the middle of its writes is replaced at once by a suspicion', async () => {
  // So long that nobody waits for it.
  let leader = await startThree(600_000);
  for (let kills = 1; kills <= 2; kills++) {
    const { epoch } = grants().at(-1)!;
    await until(() => idsOf(epoch!).length > 20);
    child(leader).kill('SIGKILL');
    await exitOf(child(leader));
    processes.delete(leader);
    const dead = leader;
    [...processes.values()].forEach(({ stdin }) => stdin.write(`suspect ${epoch}\n`));
    await until(() => grants().at(-1)!.epoch! > epoch!);
    leader = grants().at(-1)!.name;
    expect(leader).not.toBe(dead);
    await until(() => idsOf(grants().at(-1)!.epoch!).length > 20);
  }
  checkIds();
  const outcomes = events.filter(({ kind }) => kind === 'suspected').map(({ outcome }) => outcome);
  expect(outcomes.every((outcome) => outcome === 'ended')).toBe(true);
});

test('a leader that is stopped is replaced after its lease; woken, it is fenced and serves as a standby', async () => {
  const leader = await startThree(2_000);
  const { epoch } = grants().at(-1)!;
  await until(() => idsOf(epoch!).length > 20);
  const { pid } = child(leader);
  child(leader).kill('SIGSTOP');
  await until(() => grants().some((grant) => grant.epoch! > epoch! && grant.name !== leader));
  child(leader).kill('SIGCONT');
  await until(() => events.some((event) => event.kind === 'fenced' && event.name === leader));
  await until(() => events.some((event) => event.kind === 'revoked' && event.name === leader));
  expect(child(leader).pid).toBe(pid);
  expect(child(leader).exitCode).toBeNull();
  // It leads again when the others are gone.
  for (const [name, other] of processes) {
    if (name !== leader) {
      other.stdin.write('close\n');
      await exitOf(other);
      processes.delete(name);
    }
  }
  await until(() => grants().at(-1)!.name === leader && grants().at(-1)!.epoch !== epoch);
  const last = grants().at(-1)!.epoch!;
  await until(() => idsOf(last).length > 20);
  checkIds();
});
