import type { Mutant } from './mutant.ts';

const FOLLOWER = 'runtime/taskmanager/leader-follower.ts';

/** Rules of leaders, of the store, and of what clients are told. */
export const CLUSTER_MUTANTS: Readonly<Record<string, Mutant>> = {
  'no-fencing': {
    invariant: 'I2',
    breaks: 'a TaskManager stays connected with a leader that is deposed, and obeys it',
    // One that sleeps while its leader dies and the next one finds it has commands of both in its ears.
    needs: ['TaskManager pauses'],
    changes: [
      {
        file: 'runtime/rpc/fencing.ts',
        find: "        throw new MillraceError('FENCED', `${show(fence)} is deposed: ${show(this.#known)} leads`);",
        put: '        return false;',
      },
      {
        file: FOLLOWER,
        find: '    if (session === undefined || session.connection !== connection) {',
        put: '    if (session === undefined) {',
      },
      {
        file: FOLLOWER,
        find: "    return verdict === 'current';",
        put: "    return verdict === 'current' || verdict === 'older';",
      },
      { file: FOLLOWER, find: '      this.#session?.connection.close(`epoch ${fence.epoch} leads`);', put: '' },
      { file: 'runtime/rpc/reconnecting.ts', find: '      state.connection.close(farewell);', put: '' },
    ],
  },
  'deposed-leader-writes': {
    invariant: 'I1',
    breaks: 'a change of the store counts although whoever made it leads no more',
    changes: [
      {
        file: 'coordination/embedded/store-state.ts',
        find: '    if (claim?.leadership.epoch !== transaction.epoch) {\n',
        put:
          '    if (claim?.leadership.epoch !== transaction.epoch) {\n' +
          "      if (transaction.kind === 'change') { return this.#change(transaction.changes); }\n",
      },
      {
        file: 'coordination/embedded/transaction-log.ts',
        find: "        'epoch' in transaction && ",
        put: "        false && 'epoch' in transaction && ",
      },
    ],
  },
  'splits-without-reports': {
    invariant: 'I6',
    breaks: 'R4: a new leader does not know which splits its readers got since the newest checkpoint',
    changes: [
      {
        file: 'runtime/jobmanager/split-coordination/source-recovery.ts',
        find: 'report.accepted.filter(({ afterCheckpoint }) => afterCheckpoint >= this.#completedId)',
        put: 'report.accepted.filter(() => false)',
      },
    ],
  },
  'restart-on-takeover': {
    invariant: 'I9',
    breaks: 'a new leader starts everything again instead of taking over what runs',
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/job-core.ts',
        find: '(isLiveState(event.state) && (event.isUnfit || !execution.isLive))',
        put: '(isLiveState(event.state) && (event.isUnfit || true))',
      },
    ],
  },
  'submission-not-kept': {
    invariant: 'I12',
    breaks: 'R7: a submission is acknowledged before it is in the store',
    changes: [
      {
        file: 'runtime/jobmanager/dispatcher/submissions.ts',
        find: '    const added = await stores.run(`add job ${jobId}`, () => stores.raw.jobGraphs.add(pointer));',
        put:
          '    void stores.run(`add job ${jobId}`, () => stores.raw.jobGraphs.add(pointer)).catch(() => {});' +
          "    const added = { outcome: 'added' } as Awaited<ReturnType<typeof stores.raw.jobGraphs.add>>;",
      },
    ],
  },
  'cancel-not-recorded': {
    invariant: 'I12',
    breaks: 'R7: a cancellation is carried out, and not written down before',
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/job-intents.ts',
        find: "    await records.recordIntent({ kind: 'cancel', requestId: random.hex(32) });",
        put: '',
      },
    ],
  },
  'away-is-broken': {
    invariant: 'I8',
    breaks: 'R5: a job whose files are away for a while is set aside as if they were broken',
    changes: [
      {
        file: 'runtime/jobmanager/dispatcher/is-away.ts',
        find: "  return code === 'STORE_AWAY' || code === 'FILESYSTEM' || isRetryable;",
        put: '  return false;',
      },
    ],
  },
  'ended-before-result': {
    invariant: 'I12',
    breaks: 'R9: clients hear that a job is FINISHED before its result is written',
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/job-status.ts',
        find: "      return 'RUNNING';\n    case 'CANCELED':\n      return 'CANCELLING';",
        put: "      return status;\n    case 'CANCELED':\n      return 'CANCELLING';",
      },
    ],
  },
  'result-without-leadership': {
    invariant: 'I1',
    breaks: 'R9: the result of a job counts although whoever wrote it leads no more',
    changes: [
      {
        file: 'coordination/embedded/store-state.ts',
        find: '    if (claim?.leadership.epoch !== transaction.epoch) {\n',
        put:
          '    if (claim?.leadership.epoch !== transaction.epoch) {\n' +
          "      if (transaction.kind === 'change' && transaction.changes.some((one) => 'key' in one && one.key.startsWith('results/'))) {" +
          '        return this.#change(transaction.changes);' +
          '      }\n',
      },
      {
        file: 'coordination/embedded/transaction-log.ts',
        find: "        'epoch' in transaction && ",
        put: "        false && 'epoch' in transaction && ",
      },
    ],
  },
  'stale-standby': {
    invariant: 'I12',
    breaks: 'R14: a new leader takes what it had read as a standby for what the store points to',
    changes: [
      {
        file: 'coordination/embedded/embedded-record-store.ts',
        find: '    await this.#log.refresh();\n    return this.#log.state.list(prefix);',
        put:
          '    await this.#log.refresh();\n    const seen = this.#log.state.list(prefix);' +
          '    (this as unknown as Record<string, unknown>)[prefix] = seen;' +
          '    return seen;',
      },
      {
        file: 'coordination/embedded/led-record-store.ts',
        find: '    return this.#isNewest ? this.#log.state.list(prefix) : this.#store.list(prefix);',
        put:
          '    const seen = (this.#store as unknown as Record<string, readonly StoredRecord[]>)[prefix];' +
          '    delete (this.#store as unknown as Record<string, unknown>)[prefix];' +
          '    return seen ?? (this.#isNewest ? this.#log.state.list(prefix) : this.#store.list(prefix));',
      },
    ],
  },
  'epoch-of-an-older-store': {
    invariant: 'I8',
    breaks: 'R12: a leader of an older store stays with the epoch that it was granted there',
    world: 'older store',
    changes: [
      {
        file: 'runtime/jobmanager/job-manager.ts',
        find: '      await candidacy?.raise(leadership, above);',
        put: '      void candidacy;',
      },
    ],
  },
  'unfinished-stays': {
    invariant: 'I13',
    breaks: 'what killed processes had begun to write is left where it is',
    changes: [
      {
        file: 'runtime/jobmanager/leader-term.ts',
        find: '      await storage.deleteUnfinished();',
        put: '      void storage;',
      },
    ],
  },
  'snapshot-not-looked-for': {
    invariant: 'I12',
    breaks: 'a write into the log of the store counts, whatever was collected meanwhile',
    changes: [
      {
        file: 'coordination/embedded/transaction-log.ts',
        find: '    const deletedUpTo = await this.#deletedUpTo(number);',
        put: '    const deletedUpTo = 0;',
      },
    ],
  },
  'shared-bundle': {
    invariant: 'I3',
    breaks: 'R16: jobs share a bundle, and the first one that ends takes it away',
    changes: [
      {
        file: 'runtime/jobmanager/dispatcher/submissions.ts',
        find: '    const { path } = await storage.bundles.write(folder, bundle);',
        put: '    const { path } = await storage.bundles.write(storage.folder, bundle);',
      },
      {
        file: 'coordination/storage/cluster-storage.ts',
        find: '    await this.fs.deleteFolder(this.jobFolder(jobId));',
        put:
          '    await this.fs.deleteFolder(this.jobFolder(jobId));' +
          '    for (const { name } of await this.fs.list(this.folder)) {' +
          "      if (name.startsWith('blob_')) { await this.fs.delete(`${this.folder}/${name}`); }" +
          '    }',
      },
    ],
  },
};
