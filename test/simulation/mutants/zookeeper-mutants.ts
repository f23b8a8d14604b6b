import type { Mutant } from './mutant.ts';

const CLAIM = 'coordination/zookeeper/leader-claim.ts';
const RECORDS = 'coordination/zookeeper/zookeeper-record-store.ts';
const LATCH_CHECK = "  { kind: 'check', path: claim.latchPath, version: claim.latchVersion },\n";
const EPOCH_CHECK = "  { kind: 'check', path: epoch, version: claim.epochVersion },\n";
const UNDECIDED = `    } catch (error) {
      if (!(error instanceof ZooKeeperError) || error.mayHaveHappened) {
        this.#undecided = [...this.#undecided, claim];
        this.#known = undefined;
      }
      throw error;
    }`;
const ACCEPTED = `    } catch {
      return { outcome: 'written', results: [] };
    }`;
/** As if somebody else had made the record. */
const REFUSED = `    } catch {
      return { outcome: 'failed', error: new ZooKeeperError('NODE_EXISTS', 'create') };
    }`;

const OUTDATED = `      // Somebody else was at work, by hand perhaps.
      this.#known = undefined;
`;
const CONFLICT = `      return { outcome: 'conflict', key: changes.map((change) => ('key' in change ? change.key : change.prefix))[0]! };
`;

/** Rules of the HA store on ZooKeeper. */
export const ZOOKEEPER_MUTANTS: Readonly<Record<string, Mutant>> = {
  'zookeeper-no-latch-check': {
    invariant: 'I1',
    breaks: 'a change of the store does not check that its leader still has its place in the queue',
    world: 'small on ZooKeeper',
    changes: [{ file: CLAIM, find: LATCH_CHECK, put: '' }],
  },
  'zookeeper-no-epoch-check': {
    invariant: 'I1',
    breaks: 'a change of the store does not check that its epoch is the newest',
    world: 'small on ZooKeeper',
    changes: [{ file: CLAIM, find: EPOCH_CHECK, put: '' }],
  },
  'zookeeper-lost-is-refused': {
    invariant: 'I3',
    breaks: 'R2: a change whose connection was lost counts as refused',
    world: 'small on ZooKeeper',
    changes: [
      { file: RECORDS, find: UNDECIDED, put: REFUSED },
      { file: RECORDS, find: OUTDATED, put: CONFLICT },
    ],
  },
  'zookeeper-lost-is-accepted': {
    invariant: 'I4',
    breaks: 'R2: a change whose connection was lost counts as written',
    world: 'small on ZooKeeper',
    changes: [{ file: RECORDS, find: UNDECIDED, put: ACCEPTED }],
  },
};
