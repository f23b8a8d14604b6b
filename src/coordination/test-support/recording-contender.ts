import { strict as assert } from 'node:assert';
import type { Contender } from '../leader-election.ts';
import type { LeaderEndpoints, LeaderInformation, Leadership } from '../leadership.ts';

export type ContenderEvent =
  | { readonly kind: 'granted' | 'uncertain' | 'certain'; readonly leadership: Leadership }
  | { readonly kind: 'revoked'; readonly leadership: Leadership; readonly reason: string };

/** Writes down what the election says, and lets a test wait for it. */
export class RecordingContender implements Contender {
  readonly endpoints: LeaderEndpoints;
  readonly events: ContenderEvent[] = [];
  leader: LeaderInformation | undefined;
  #waiting: (() => void)[] = [];

  constructor(name: string) {
    this.endpoints = { instanceId: name, rpcAddress: `${name}:6123`, restAddress: `http://${name}:8081` };
  }

  granted(leadership: Leadership): void {
    this.#add({ kind: 'granted', leadership });
  }

  uncertain(leadership: Leadership): void {
    this.#add({ kind: 'uncertain', leadership });
  }

  certain(leadership: Leadership): void {
    this.#add({ kind: 'certain', leadership });
  }

  revoked(leadership: Leadership, reason: string): void {
    this.#add({ kind: 'revoked', leadership, reason });
  }

  leaderChanged(leader: LeaderInformation | undefined): void {
    this.leader = leader;
    this.#wake();
  }

  get grants(): readonly Leadership[] {
    return this.events.filter(({ kind }) => kind === 'granted').map(({ leadership }) => leadership);
  }

  /** The `count`th grant. */
  async grant(count = 1): Promise<Leadership> {
    await this.until(() => this.grants.length >= count);
    const leadership = this.grants[count - 1];
    assert(leadership !== undefined);
    return leadership;
  }

  /** The first event of that kind. */
  async event(kind: ContenderEvent['kind']): Promise<ContenderEvent> {
    await this.until(() => this.events.some((event) => event.kind === kind));
    const found = this.events.find((event) => event.kind === kind);
    assert(found !== undefined);
    return found;
  }

  /** Looks at each event, and every millisecond for what makes none. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        setTimeout(resolve, 1);
      });
    }
  }

  #add(event: ContenderEvent): void {
    this.events.push(event);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach((resolve) => resolve());
  }
}
