// Each breaks one rule of the shipped code, so that a drill which stays green under it is the bug. Files are those of `dist/`.
//
// `slow`: what makes the moment likely in which the broken rule counts. It breaks nothing: the drill is green under it alone.

const pointerLate = (ms) => ({
  file: 'runtime/jobmanager/checkpoint-coordinator/checkpoint-coordinator.js',
  find: 'this.#pointerOutcome(checkpoint, await this.#options.store.add(this.#pointerOf(checkpoint)));',
  put:
    `await new Promise((resolve) => this.#options.clock.after(${ms}, resolve));` +
    'this.#pointerOutcome(checkpoint, await this.#options.store.add(this.#pointerOf(checkpoint)));',
});

const acknowledgedLate = (ms) => ({
  file: 'runtime/jobmanager/checkpoint-coordinator/checkpoint-coordinator.js',
  find: '    handle(event) {\n',
  put:
    '    handle(event) {\n' +
    "        if (event.kind !== 'acknowledged') { return this.handleInTime(event); }\n" +
    `        this.#options.clock.after(${ms}, () => this.handleInTime(event));\n` +
    '    }\n' +
    '    handleInTime(event) {\n',
});

const announcedLate = (ms) => ({
  file: 'runtime/jobmanager/checkpoint-coordinator/checkpoint-coordinator.js',
  find: 'this.#pointerOutcome(checkpoint, await this.#options.store.add(this.#pointerOf(checkpoint)));',
  put:
    'const outcome = await this.#options.store.add(this.#pointerOf(checkpoint));' +
    `await new Promise((resolve) => this.#options.clock.after(${ms}, resolve));` +
    'this.#pointerOutcome(checkpoint, outcome);',
});

const firstSourceLate = (ms) => ({
  file: 'runtime/taskmanager/task/source-input.js',
  find: '    command(command) {\n',
  put:
    '    command(command) {\n' +
    '        if (this.#options.subtask !== 0) { return this.commandInTime(command); }\n' +
    `        this.#options.clock.after(${ms}, () => this.commandInTime(command));\n` +
    '    }\n' +
    '    commandInTime(command) {\n',
});

export const SABOTAGES = {
  // I2, I1: a leader that was paused and replaced goes on, and nobody refuses what it says.
  'no-fencing': {
    changes: [
      {
        file: 'runtime/rpc/fencing.js',
        find: "            case 'older':\n",
        put: "            case 'older':\n                return false;\n",
      },
      {
        file: 'coordination/embedded/store-state.js',
        find: 'if (claim?.leadership.epoch !== transaction.epoch) {\n',
        put:
          'if (claim?.leadership.epoch !== transaction.epoch) {\n' +
          "            return transaction.kind === 'change' ? this.#change(transaction.changes) : APPLIED;\n",
      },
      {
        file: 'coordination/embedded/transaction-log.js',
        find: "            const isVoid = 'epoch' in transaction && ",
        put: '            const isVoid = false && ',
      },
      {
        file: 'coordination/embedded/election-core.js',
        find: '    #see(view, time, actions) {\n',
        put:
          '    #see(view, time, actions) {\n' +
          '        if (this.leadership !== undefined && view.claim?.endpoints.instanceId !== this.#instanceId) { return; }\n',
      },
      { file: 'coordination/embedded/election-core.js', find: "leading?.phase === 'certain' && ", put: 'false && ' },
    ],
  },
  // I4: sinks commit what the checkpoint lists before its pointer is written.
  'commit-before-pointer': {
    slow: [acknowledgedLate(1_500)],
    changes: [
      {
        file: 'pipeline/operators/sink-operator.js',
        find: '                this.#listed.push({ name, value, checkpointId });\n',
        put: '                this.#committing = this.#committing.then(() => this.#commit({ name, value, checkpointId }));\n',
      },
    ],
  },
  // R4: a new leader gives out again what readers got since the newest checkpoint.
  'split-twice': {
    slow: [pointerLate(1_500)],
    changes: [
      {
        file: 'runtime/jobmanager/split-coordination/source-recovery.js',
        find: 'report.accepted.filter(({ afterCheckpoint }) => afterCheckpoint >= this.#completedId)',
        put: 'report.accepted.filter(() => false)',
      },
    ],
  },
  // Exactly-once: a task takes its snapshot with the first barrier, and what comes on the other channels before theirs is in no snapshot.
  'barrier-skipped': {
    slow: [firstSourceLate(300)],
    changes: [
      {
        file: 'runtime/taskmanager/task/barrier-aligner.js',
        find: 'if (!alignment.arrived.has(channel) && !this.#ended.has(channel)) {',
        put: 'if (alignment.arrived.size === 0 && !this.#ended.has(channel)) {',
      },
    ],
  },
  // I9: a new leader starts everything anew instead of taking over what runs.
  'restart-on-takeover': {
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/job-core.js',
        find: '(isLiveState(event.state) && (event.isUnfit || ',
        put: '(isLiveState(event.state) && (true || ',
      },
    ],
  },
  // R3: a commit that was done before the failure is done again after the restore, under another name.
  'commit-repeated': {
    changes: [
      {
        file: 'pipeline/connectors/file/part-commit.js',
        find: '    await fs.delete(pending);\n',
        put:
          '    await fs.delete(pending);\n' +
          '    const again = await fs.create(`${final}9`);\n' +
          '    await again.write(await fs.readRange(final, 0, part.sizeBytes));\n' +
          '    await again.close();\n',
      },
    ],
  },
  // R5, I11: a restore takes the checkpoint before the newest one, and says nothing.
  'older-checkpoint': {
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/recovery.js',
        find: '    const newest = completed.at(-1);\n    return newest === undefined ? initial',
        put: '    const newest = completed.at(-2) ?? completed.at(-1);\n    return newest === undefined ? initial',
      },
    ],
  },
  // R3: a sink that starts anew drops all that was prepared, what the restored checkpoint lists too.
  'abort-listed': {
    slow: [announcedLate(1_500)],
    changes: [
      {
        file: 'pipeline/operators/sink-operator.js',
        find: 'if (standsFor(context, transaction.name)) {',
        put: 'if (standsFor(context, transaction.name) && false) {',
      },
      {
        file: 'pipeline/operators/sink-operator.js',
        find: 'this.#writer.abort?.(abortScope(context, restored))',
        put: 'this.#writer.abort?.(abortScope(context, []))',
      },
    ],
  },
  // R15, R11: a TaskManager forgets how attempts ended, and the next leader, who does not look at what the newest checkpoint says
  // about their end either, takes them for lost. Each of the two alone is made good by the other.
  'terminal-forgotten': {
    changes: [
      {
        file: 'runtime/jobmanager/scheduler/restore-plan.js',
        find: 'this.settled = new Set([...this.finished].filter(',
        put: 'this.settled = new Set([].filter(',
      },
      {
        file: 'runtime/taskmanager/attempt-ledger.js',
        find: 'return [...this.#entries.values()].map((',
        put: 'return [...this.#entries.values()].filter(({ state }) => !isTerminal(state)).map((',
      },
    ],
  },
  // I5: a new leader counts checkpoints from the beginning, and does not believe TaskManagers that have heard of later ones (R12).
  'ids-reused': {
    changes: [
      {
        file: 'coordination/records/record-checkpoint-id-counter.js',
        find: 'return record === undefined ? 0 : parseRecord(counterSchema, record).last;',
        put: 'return 0;',
      },
      {
        file: 'coordination/records/record-checkpoint-id-counter.js',
        find: 'if (atLeast > (await this.#known())) {',
        put: 'if (false) {',
      },
      {
        file: 'runtime/jobmanager/jobmaster/store-age.js',
        find: '(isNewer || highest > coordinator.floor)',
        put: 'isNewer',
      },
    ],
  },
};

/** What `MILLRACE_SABOTAGE=<name>` changes; with `slow` what breaks nothing, of all of them at once. */
export const changesOf = (name) => {
  if (name === 'slow') {
    return Object.values(SABOTAGES).flatMap(({ slow = [] }) => slow);
  }
  const sabotage = SABOTAGES[name];
  if (sabotage === undefined) {
    throw new Error(`MILLRACE_SABOTAGE is '${name}'; allowed: ${Object.keys(SABOTAGES).join(', ')}, slow`);
  }
  return [...(sabotage.slow ?? []), ...sabotage.changes];
};
