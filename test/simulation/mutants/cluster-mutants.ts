import type { Mutant } from './mutant.ts';

const FOLLOWER = 'runtime/taskmanager/leader-follower.ts';

/** Rules of leaders, of the store, and of what clients are told. */
export const CLUSTER_MUTANTS: Readonly<Record<string, Mutant>> = {
  'no-fencing': {
    invariant: 'I2',
    breaks: 'a TaskManager stays connected with a leader that is deposed, and obeys it',
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
};
