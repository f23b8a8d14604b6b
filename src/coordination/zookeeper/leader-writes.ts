import { present } from '../../foundation/common/assert.ts';
import type { LeaderEndpoints, Leadership } from '../leadership.ts';
import type { MultiOperation, MultiOutcome, MultiResult, ZooKeeperClient } from './client/zookeeper-client.ts';
import { leadershipChecks, type LeaderClaim } from './leader-claim.ts';
import type { LeaderView } from './leader-folder.ts';
import { encodeNode, withFalseAlarm, withSuspected, type EpochNode, type InformationNode } from './leader-nodes.ts';
import type { StorePaths } from './store-paths.ts';

/** A write that was carried out, or one that met something else than what its view says. */
export type Written = { readonly ok: true; readonly view: LeaderView } | { readonly ok: false; readonly index: number };

/** Errors of all: those of the client, then it may have happened. */
export class LeaderWrites {
  readonly #paths: StorePaths;
  readonly #endpoints: LeaderEndpoints;

  constructor(paths: StorePaths, endpoints: LeaderEndpoints) {
    this.#paths = paths;
    this.#endpoints = endpoints;
  }

  /**
   * A place at the end of the queue, the only one of this process: one that is left over would be in the way of everybody for as long
   * as its session lives. Who was suspected, and is alive as it shows by this, says so.
   */
  async queue(client: ZooKeeperClient, view: LeaderView, prefix: string, atMs: number): Promise<MultiOutcome> {
    const { suspicions, suspicionsVersion: version, leftOver } = view;
    const { instanceId } = this.#endpoints;
    const create: MultiOperation = {
      kind: 'create',
      path: `${this.#paths.latches}/${prefix}`,
      data: encodeNode({ instanceId }),
      options: { mode: 'ephemeral-sequential' },
    };
    const operations: readonly MultiOperation[] = [
      ...leftOver.map((name) => ({ kind: 'delete', path: `${this.#paths.latches}/${name}` }) as const),
      create,
    ];
    if (!suspicions.suspected.includes(instanceId)) {
      return client.multi(operations);
    }
    const data = encodeNode(withFalseAlarm(suspicions, instanceId, atMs));
    return client.multi([...operations, { kind: 'set', path: this.#paths.suspicions, data, version }]);
  }

  /** The next grant, to the owner of the view. The leader has no address that others see before it publishes it. */
  async grant(client: ZooKeeperClient, view: LeaderView, leadership: Leadership): Promise<Written> {
    const granted = this.#granted(view, leadership);
    const outcome = await client.multi(this.#grantOf(view, granted));
    return outcome.ok ? { ok: true, view: this.#viewOf(view, granted, outcome.results) } : outcome;
  }

  /** It shows its address. */
  async publish(claim: LeaderClaim, view: LeaderView): Promise<Written> {
    const path = this.#paths.information;
    const next = this.#information(view.epoch, true);
    const data = encodeNode(next);
    const outcome = await claim.client.multi([
      ...leadershipChecks(claim, this.#paths),
      view.information === undefined
        ? { kind: 'create', path, data, options: { mode: 'ephemeral' } }
        : { kind: 'set', path, data },
    ]);
    return outcome.ok ? { ok: true, view: { ...view, information: next } } : outcome;
  }

  /** A write that changes nothing: the ensemble agrees on it as on any other, so that it proves as much. */
  async confirm(claim: LeaderClaim): Promise<boolean> {
    return (await claim.client.multi(leadershipChecks(claim, this.#paths))).ok;
  }

  /** Gives up the place in the queue, and leadership with it. Whether nothing of it is left. */
  async leave(client: ZooKeeperClient, view: LeaderView): Promise<boolean> {
    if (view.own === undefined) {
      return true;
    }
    const path = `${this.#paths.latches}/${view.own.name}`;
    const isShown = view.epoch.latch === view.own.name && view.information !== undefined;
    const outcome = await client.multi([
      { kind: 'delete', path },
      ...(isShown ? [{ kind: 'delete', path: this.#paths.information } as const] : []),
    ]);
    return outcome.ok || (outcome.index === 0 && outcome.error.code === 'NO_NODE');
  }

  /**
   * Ends the claim of the one whom the view shows as leader, and no other's: the name of its latch node was never used before it and
   * never will be again, and its epoch is checked. `leadership`: the next grant, to the owner of the view, in the same write: it comes
   * with the end of the other one or not at all.
   */
  async suspect(client: ZooKeeperClient, view: LeaderView, leadership?: Leadership): Promise<Written> {
    const { epoch, latches, suspicions, information } = this.#paths;
    const shown = view.information?.latch === view.epoch.latch ? view.information : undefined;
    const suspected = shown?.endpoints.instanceId;
    const next = suspected === undefined ? view.suspicions : withSuspected(view.suspicions, suspected);
    const left = view.latches.filter((name) => name !== view.epoch.latch);
    const suspicionsVersion = view.suspicionsVersion + 1;
    const after: LeaderView = { ...view, latches: left, information: undefined, suspicions: next, suspicionsVersion };
    const granted = leadership && this.#granted(after, leadership);
    const ending: readonly MultiOperation[] = [
      { kind: 'check', path: epoch, version: view.epochVersion },
      { kind: 'delete', path: `${latches}/${view.epoch.latch}` },
      ...(view.information === undefined ? [] : [{ kind: 'delete', path: information } as const]),
      { kind: 'set', path: suspicions, data: encodeNode(next), version: view.suspicionsVersion },
    ];
    const outcome = await client.multi([...ending, ...(granted === undefined ? [] : this.#grantOf(after, granted))]);
    if (!outcome.ok) {
      return outcome;
    }
    const results = outcome.results.slice(ending.length);
    return { ok: true, view: granted === undefined ? after : this.#viewOf(after, granted, results) };
  }

  #granted(view: LeaderView, leadership: Leadership): EpochNode {
    return { ...leadership, latch: present(view.own, 'own latch').name };
  }

  #grantOf(view: LeaderView, granted: EpochNode): readonly MultiOperation[] {
    const { information, latches, epoch } = this.#paths;
    const { instanceId } = this.#endpoints;
    return [
      {
        kind: 'set',
        path: `${latches}/${granted.latch}`,
        data: encodeNode({ instanceId, epoch: granted.epoch }),
        version: present(view.own, 'own latch').version,
      },
      { kind: 'set', path: epoch, data: encodeNode(granted), version: view.epochVersion },
      ...(view.information === undefined ? [] : [{ kind: 'delete', path: information } as const]),
      {
        kind: 'create',
        path: information,
        data: encodeNode(this.#information(granted, false)),
        options: { mode: 'ephemeral' },
      },
    ];
  }

  #viewOf(before: LeaderView, granted: EpochNode, results: readonly MultiResult[]): LeaderView {
    const [latch, changed] = results.map(statOf);
    return {
      ...before,
      own: { name: granted.latch, version: present(latch, 'stat').version },
      epoch: granted,
      epochVersion: present(changed, 'stat').version,
      information: this.#information(granted, false),
    };
  }

  #information({ epoch, latch }: EpochNode, isPublished: boolean): InformationNode {
    return { epoch, latch, endpoints: this.#endpoints, isPublished };
  }
}

const statOf = (result: MultiResult): Extract<MultiResult, { kind: 'set' }>['stat'] | undefined =>
  'stat' in result ? result.stat : undefined;
