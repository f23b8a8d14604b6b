import { describe, expect, test } from 'vitest';
import { assert } from '../../foundation/common/assert.ts';
import { HeartbeatCore, type HeartbeatLoss, type HeartbeatOptions } from './heartbeat-core.ts';

const OPTIONS: HeartbeatOptions = { intervalMs: 1000, timeoutMs: 6000, failureThreshold: 2 };

/** Time as one process sees it: it decides whenever it wanted to, or later when it is frozen. */
class Watcher {
  readonly core: HeartbeatCore;
  readonly heard = new Map<string, number>();
  readonly lost: (HeartbeatLoss & { readonly atMs: number })[] = [];
  nowMs = 0;
  beats = 0;
  #nextMs = 0;

  constructor(options: Partial<HeartbeatOptions> = {}) {
    this.core = new HeartbeatCore({ ...OPTIONS, ...options }, 0);
  }

  watch(id: string): this {
    this.core.watch(id, this.nowMs);
    this.#nextMs = this.nowMs;
    return this;
  }

  /** `talking` is heard every 100 ms until then. */
  run(untilMs: number, talking: readonly string[] = []): this {
    for (; this.nowMs < untilMs; this.nowMs += 100) {
      talking.forEach((id) => this.heard.set(id, this.nowMs));
      if (this.nowMs >= this.#nextMs) {
        this.#tick();
      }
    }
    return this;
  }

  /** Nothing happens until then; what others send is read after the first decision. */
  freeze(untilMs: number): this {
    this.nowMs = untilMs;
    this.#tick();
    return this;
  }

  #tick(): void {
    const { beat, lost, nextMs } = this.core.tick(this.nowMs, (id) => this.heard.get(id) ?? 0);
    this.beats += beat ? 1 : 0;
    this.lost.push(...lost.map((loss) => ({ ...loss, atMs: this.nowMs })));
    assert(nextMs > this.nowMs, 'the next decision is due already');
    this.#nextMs = nextMs;
  }
}

describe('the heartbeat monitor', () => {
  test('beats once in an interval, and keeps those who talk', () => {
    const watcher = new Watcher().watch('a').run(60_000, ['a']);
    expect(watcher.beats).toBe(60);
    expect(watcher.lost).toEqual([]);
  });

  test('declares dead who is silent for the timeout, and nobody else', () => {
    const watcher = new Watcher().watch('a').watch('b').run(10_000, ['a', 'b']).run(30_000, ['a']);
    expect(watcher.lost).toEqual([{ id: 'b', kind: 'silent', silentMs: 6000, atMs: 15_900 }]);
  });

  test('gives who has just been watched the whole timeout', () => {
    const watcher = new Watcher().watch('a').run(50_000, ['a']).watch('b').run(70_000, ['a']);
    expect(watcher.lost).toMatchObject([{ id: 'b', atMs: 56_000 }]);
  });

  test('forgets', () => {
    const watcher = new Watcher().watch('a').watch('b').run(3000, ['a']);
    watcher.core.forget('b');
    expect(watcher.run(20_000, ['a']).lost).toEqual([]);
    expect(watcher.core.size).toBe(1);
  });

  test('counts heartbeats in a row that could not be sent', () => {
    const watcher = new Watcher().watch('a').run(1000, ['a']);
    for (const wasSent of [false, true, false]) {
      watcher.core.beaten('a', wasSent);
      watcher.run(watcher.nowMs + 1000, ['a']);
    }
    expect(watcher.lost).toEqual([]);
    watcher.core.beaten('a', false);
    watcher.run(watcher.nowMs + 1000, ['a']);
    expect(watcher.lost).toMatchObject([{ id: 'a', kind: 'unreachable' }]);
    const patient = new Watcher({ failureThreshold: -1 }).watch('a').run(1000, ['a']);
    for (let i = 0; i < 10; i++) {
      patient.core.beaten('a', false);
    }
    expect(patient.run(5000, ['a']).lost).toEqual([]);
  });
});

describe('a process that was frozen', () => {
  test('declares nobody dead when it wakes, however long it was', () => {
    for (const frozenMs of [7000, 60_000, 3_600_000]) {
      for (const afterMs of [10_000, 10_100, 10_500, 10_900]) {
        const watcher = new Watcher().watch('a').watch('b').run(afterMs, ['a', 'b']);
        watcher.freeze(afterMs + frozenMs).run(afterMs + frozenMs + 20_000, ['a', 'b']);
        expect(watcher.lost, `frozen for ${frozenMs} ms at ${afterMs}`).toEqual([]);
      }
    }
  });

  test('does not declare dead who was nearly so before', () => {
    const watcher = new Watcher().watch('a').run(10_000, ['a']).run(15_700);
    watcher.freeze(40_000).run(60_000, ['a']);
    expect(watcher.lost).toEqual([]);
  });

  test('still finds who died meanwhile, within the timeout and two intervals', () => {
    const watcher = new Watcher().watch('a').watch('b').run(10_000, ['a', 'b']);
    watcher.freeze(40_000).run(80_000, ['a']);
    expect(watcher.lost).toMatchObject([{ id: 'b', kind: 'silent' }]);
    expect(watcher.lost[0]!.atMs).toBeLessThanOrEqual(40_000 + 6000 + 2000);
    expect(watcher.lost[0]!.silentMs).toBeLessThan(9000);
  });

  test('that is always late still declares the dead', () => {
    const watcher = new Watcher().watch('a').watch('b').run(10_000, ['a', 'b']);
    for (let ms = 13_000; ms < 80_000; ms += 3000) {
      watcher.freeze(ms);
      watcher.heard.set('a', ms);
    }
    expect(watcher.lost).toMatchObject([{ id: 'b' }]);
  });

  test('beats as soon as it wakes', () => {
    const watcher = new Watcher().watch('a').run(10_000, ['a']);
    const { beats } = watcher;
    watcher.freeze(25_000);
    expect(watcher.beats).toBe(beats + 1);
  });
});
