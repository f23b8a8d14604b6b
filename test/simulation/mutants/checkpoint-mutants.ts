import type { Mutant } from './mutant.ts';

const COORDINATOR = 'runtime/jobmanager/checkpoint-coordinator/coordinator-core.ts';
const COORDINATOR_SHELL = 'runtime/jobmanager/checkpoint-coordinator/checkpoint-coordinator.ts';
const SINK = 'pipeline/operators/sink-operator.ts';

/** Rules of checkpoints, of state and of what sinks commit. */
export const CHECKPOINT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'commit-before-pointer': {
    invariant: 'I4',
    breaks: 'a checkpoint is announced when its metadata is written, before its pointer is',
    changes: [
      {
        file: COORDINATOR,
        find: "      this.#actions.push({ kind: 'write-pointer', checkpoint });",
        put:
          "      this.#actions.push({ kind: 'write-pointer', checkpoint });" +
          "this.#announce('completed', checkpoint.checkpointId, this.#roster.attempts);",
      },
    ],
  },
  'pointer-lost-is-refused': {
    invariant: 'I9',
    breaks: 'R2: a pointer write without an answer is taken as not written',
    changes: [
      {
        file: COORDINATOR,
        find: "        this.#log('warn', `Checkpoint ${checkpointId} is undecided: ${write.error.message}`);",
        put: "        return this.#notWritten(pending, because('its pointer could not be written', write.error), now);",
      },
    ],
  },
  'pointer-lost-is-accepted': {
    invariant: 'I4',
    breaks: 'R2: a pointer write without an answer is taken as written',
    changes: [
      {
        file: COORDINATOR,
        find: "        this.#log('warn', `Checkpoint ${checkpointId} is undecided: ${write.error.message}`);",
        put: '        return this.#complete(pending, checkpoint, now);',
      },
    ],
  },
  'restore-while-undecided': {
    invariant: 'I11',
    breaks: 'R2: a region chooses what to restore while a pointer write has no answer',
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/job-master.ts',
        find: 'const undecided = this.#running?.coordinator.isUndecided ?? false;',
        put: 'const undecided = false;',
      },
    ],
  },
  'older-checkpoint': {
    invariant: 'I11',
    breaks: 'R5: an older checkpoint is restored than the newest one',
    changes: [
      {
        file: COORDINATOR_SHELL,
        find: '    return this.#core.retained.list;',
        put: '    return this.#core.retained.list.slice(0, Math.max(1, this.#core.retained.list.length - 1));',
      },
    ],
  },
  'identity-in-use': {
    invariant: 'R3',
    breaks: 'what a sink prepares after a restart has the names of what it prepared before',
    changes: [
      {
        file: SINK,
        find: 'transactionName({ jobId, sinkId: operatorId, subtask, generation, counter: ++this.#counter })',
        put: 'transactionName({ jobId, sinkId: operatorId, subtask, generation: { ...generation, number: 1, epoch: 1 }, counter: ++this.#counter })',
      },
    ],
  },
  'restored-not-committed': {
    invariant: 'I6',
    breaks: 'R3: after a restore what its state lists is not committed',
    changes: [{ file: SINK, find: '      if (standsFor(context, transaction.name)) {', put: '      if (false) {' }],
  },
  'prepared-not-aborted': {
    invariant: 'I13',
    breaks: 'R3: after a restore what was prepared since stays prepared for ever',
    changes: [{ file: SINK, find: '    await this.#writer.abort?.(abortScope(context, restored));', put: '' }],
  },
  'base-not-completed': {
    invariant: 'R6',
    breaks: 'an increment is built on the checkpoint before it, be it complete or not',
    changes: [
      {
        file: COORDINATOR,
        find: '    const { base } = this.retained;',
        put: '    const base = id > 1 ? ((id - 1) as CheckpointId) : undefined;',
      },
    ],
  },
  'id-after-trigger': {
    invariant: 'R10',
    breaks: 'a checkpoint is triggered before its id is in the store',
    changes: [
      {
        file: COORDINATOR_SHELL,
        find: '      checkpointId = await this.#options.counter.next();',
        put:
          '      checkpointId = (Math.max(this.#floor, await this.#options.counter.current()) + 1) as CheckpointId;' +
          '      void this.#options.counter.next().catch(() => {});',
      },
    ],
  },
  'ids-reused': {
    invariant: 'I5',
    breaks: 'a new leader gives out checkpoint ids from the beginning',
    changes: [
      {
        file: 'coordination/records/record-checkpoint-id-counter.ts',
        find: '  return record === undefined ? 0 : parseRecord(counterSchema, record).last;',
        put: '  return record === undefined ? 0 : parseRecord(counterSchema, record).last * 0;',
      },
      {
        file: 'coordination/records/record-checkpoint-id-counter.ts',
        find: '      if (atLeast > (await this.#known())) {',
        put: '      if (false) {',
      },
      {
        file: 'runtime/jobmanager/jobmaster/store-age.ts',
        find: '(isNewer || highest > coordinator.floor)',
        put: 'isNewer',
      },
    ],
  },
  'files-before-pointer': {
    invariant: 'I3',
    breaks: 'the files of an old checkpoint are deleted before its pointer',
    changes: [
      {
        file: COORDINATOR_SHELL,
        find: '      await store.remove(checkpoint.checkpointId);\n      if (checkpoint.kind',
        put:
          '      await storage.deleteCheckpoint(checkpoint, retained);' +
          '      await store.remove(checkpoint.checkpointId);\n      if (checkpoint.kind',
      },
    ],
  },
  'stop-without-pointer': {
    invariant: 'I4',
    breaks: 'R8: sinks commit what belongs to a stop before it has a pointer',
    changes: [
      {
        file: COORDINATOR,
        find: "    if (kind === 'savepoint' && stop === 'no') {",
        put: "    if (kind === 'savepoint') {",
      },
    ],
  },
  'savepoint-commits': {
    invariant: 'I4',
    breaks: 'R8: a plain savepoint is announced like a checkpoint',
    changes: [
      {
        file: COORDINATOR,
        find: "    if (kind === 'checkpoint' || stop !== 'no') {",
        put:
          "    if (kind === 'savepoint') { this.#announce('completed', checkpoint.checkpointId, this.#roster.attempts); }" +
          "    if (kind === 'checkpoint' || stop !== 'no') {",
      },
    ],
  },
  'present-collected': {
    invariant: 'I3',
    breaks: 'R16: what is left behind is looked for among the checkpoints that the store points to as well',
    changes: [
      {
        file: 'runtime/jobmanager/checkpoint-coordinator/coordinator-options.ts',
        find: '{ above: Math.max(...pointedTo), upTo: floor }',
        put: '{ above: 0, upTo: floor }',
      },
    ],
  },
  'timer-lost': {
    invariant: 'I6',
    breaks: 'timers are in no snapshot',
    changes: [
      {
        file: 'runtime/state/heap/heap-keyed-backend.ts',
        find: 'new KeyedSnapshot(plan, [...this.#stores.values()], ',
        put: 'new KeyedSnapshot(plan, [...this.#stores.values()].filter((store) => !(store instanceof TimerStore)), ',
      },
    ],
  },
  'abort-rolls-back': {
    invariant: 'I6',
    breaks: 'R3: what a sink prepared for a checkpoint that was aborted is dropped, although its task goes on',
    changes: [
      {
        file: 'runtime/taskmanager/task/task.ts',
        find: "    if (command.kind === 'aborted') {",
        put: "    if (command.kind === 'aborted') {\n      void this.#parts!.chain.checkpointCompleted(-command.checkpointId);",
      },
      {
        file: SINK,
        find: '  override checkpointCompleted(checkpointId: number): Promise<void> {',
        put:
          '  override checkpointCompleted(checkpointId: number): Promise<void> {' +
          '    if (checkpointId < 0) {' +
          '      this.#listed = this.#listed.filter((one) => one.checkpointId !== -checkpointId);' +
          '      return Promise.resolve();' +
          '    }',
      },
    ],
  },
  'finished-is-committed': {
    invariant: 'I6',
    breaks: 'R11: a sink whose end a checkpoint covers is taken for one that has committed',
    changes: [
      {
        file: 'runtime/jobmanager/scheduler/restore-plan.ts',
        find: '({ sink }) => sink !== undefined',
        put: '() => false',
      },
    ],
  },
  'files-of-pointers': {
    invariant: 'I3',
    breaks: 'with a job all its files are deleted, also where a pointer could not be removed',
    changes: [
      { file: COORDINATOR_SHELL, find: 'if (!keep && !isPointed && ', put: 'if (!keep && ' },
      // Between the two steps that the rule is about there is time for something to happen.
      {
        file: COORDINATOR_SHELL,
        find: 'let isPointed = false;',
        put: 'let isPointed = false;\n    await new Promise<void>((resolve) => void this.#options.clock.after(3_000, () => resolve()));',
      },
    ],
  },
  'early-barrier': {
    invariant: 'I6',
    breaks: 'a task takes its snapshot with the first barrier that comes',
    changes: [
      {
        file: 'runtime/taskmanager/task/barrier-aligner.ts',
        find: 'if (!alignment.arrived.has(channel) && !this.#ended.has(channel)) {',
        put: 'if (alignment.arrived.size === 0 && !this.#ended.has(channel)) {',
      },
    ],
  },
  'old-acknowledgements': {
    invariant: 'I11',
    breaks: 'R1: what tasks acknowledge that are started again counts for a checkpoint of before',
    changes: [
      {
        file: COORDINATOR,
        find: "    if (pending !== undefined && pending.phase !== 'undecided') {\n      const restarted",
        put: '    if (pending !== undefined && pending.isAcknowledgedBy(-1)) {\n      const restarted',
      },
      {
        file: COORDINATOR,
        find: '    const index = this.#roster.indexOf(report.attempt);\n    if (index === undefined || pending.phase',
        put:
          '    const index = [...pending.participants].find(([, one]) => one === report.attempt)?.[0];\n' +
          '    if (index === undefined || pending.phase',
      },
    ],
  },
  'copy-of-another': {
    invariant: 'I6',
    breaks: 'a task restores the newest copy on its machine of what it looks for, be it of another checkpoint',
    needs: ['copies'],
    changes: [
      {
        // The same place among the files that a subtask writes for a checkpoint: the same state.
        file: 'runtime/taskmanager/local-state/subtask-copies.ts',
        find: "const nameOf = ({ path }: FileStateHandle): string => path.slice(path.lastIndexOf('/') + 1);",
        put:
          'const places = new Map<string, string>();' +
          'const written = new Map<string, number>();' +
          'const nameOf = ({ path }: FileStateHandle): string => {' +
          "  const name = path.slice(path.lastIndexOf('/') + 1);" +
          '  if (!places.has(name)) {' +
          "    const file = name.slice(0, name.lastIndexOf('-'));" +
          '    const place = written.get(file) ?? 0;' +
          '    written.set(file, place + 1);' +
          "    places.set(name, `${file.slice(0, file.lastIndexOf('-'))}-${place}`);" +
          '  }' +
          '  return places.get(name)!;' +
          '};',
      },
      {
        file: 'runtime/taskmanager/local-state/subtask-copies.ts',
        find: '      if (bytes.length === handle.sizeBytes && crc32(bytes) === handle.checksum) {',
        put: '      if (true) {',
      },
    ],
  },
  'announced-to-sinks-only': {
    invariant: 'I8',
    breaks: 'R6: only tasks with a sink hear that a checkpoint is complete',
    changes: [
      {
        file: COORDINATOR,
        find: "    this.#actions.push({ kind: 'announce', what, checkpointId, attempts });",
        put:
          "    const heard = what === 'aborted' ? attempts : attempts.filter((one) =>" +
          '      this.#options.execution.subtask(this.#roster.indexOf(one)!).vertex.operators.some(({ sink }) => sink !== undefined));' +
          "    this.#actions.push({ kind: 'announce', what, checkpointId, attempts: heard });",
      },
    ],
  },
};
