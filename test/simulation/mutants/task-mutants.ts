import type { Mutant } from './mutant.ts';

const FOLLOWER = 'runtime/taskmanager/leader-follower.ts';

/** Rules of starts, of TaskManagers and of what tasks send to each other. */
export const TASK_MUTANTS: Readonly<Record<string, Mutant>> = {
  'generations-mixed': {
    invariant: 'R1',
    breaks: 'what an attempt of an earlier start reports counts for the one that runs now',
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/attempt-table.ts',
        find: '    return this.#byAttempt.get(attempt);',
        put:
          "    const subtaskOf = (id = ''): string => id.slice(0, id.lastIndexOf('/'));" +
          '    return this.#byAttempt.get(attempt) ?? this.executions.find(({ id }) => subtaskOf(id) === subtaskOf(attempt));',
      },
    ],
  },
  'finished-is-missing': {
    invariant: 'I9',
    breaks: 'R11: a task that has reported its end is missed by a new leader',
    changes: [
      {
        file: 'runtime/jobmanager/jobmaster/job-core.ts',
        find: '    const id = attemptId(event.attempt);\n',
        put: "    const id = attemptId(event.attempt);\n    if (event.state === 'FINISHED') { return; }\n",
      },
    ],
  },
  'terminal-forgotten': {
    invariant: 'I9',
    breaks: 'R15: a TaskManager forgets an attempt that has ended, be it heard of or not',
    changes: [
      {
        file: 'runtime/taskmanager/attempt-ledger.ts',
        find: '        entry.error = report.error;\n',
        put: '        entry.error = report.error;\n        if (isTerminal(report.state)) { this.#entries.delete(report.attempt); }\n',
      },
    ],
  },
  'stale-report': {
    invariant: 'I8',
    breaks: 'R15: a TaskManager makes its report before it turns to the new leader',
    changes: [
      {
        file: FOLLOWER,
        find: '      const address = parseAddress(leader.endpoints.rpcAddress);\n',
        put:
          '      const address = parseAddress(leader.endpoints.rpcAddress);\n' +
          '      const table = [...this.#options.tasks.reports];\n' +
          '      await new Promise((resolve) => this.#options.clock.after(2_000, resolve as () => void));\n' +
          '      (this as unknown as { table: unknown }).table = table;\n',
      },
      {
        file: FOLLOWER,
        find: '        attempts: [...tasks.reports],',
        put: '        attempts: (this as unknown as { table: AttemptReport[] }).table,',
      },
    ],
  },
  'barrier-below-floor': {
    invariant: 'R10',
    breaks: 'R10: a barrier of a checkpoint that was given up begins an alignment',
    changes: [
      {
        file: 'runtime/taskmanager/task/barrier-aligner.ts',
        find: '    if (barrier.checkpointId <= this.#decided || (current',
        put: '    if ((current',
      },
    ],
  },
  'credit-twice': {
    invariant: 'credit',
    breaks: 'credit for a batch that was taken out is granted twice',
    changes: [
      {
        file: 'runtime/network/frame-connection.ts',
        find: 'this.#credits.set(id, (this.#credits.get(id) ?? 0) + credit);',
        put: 'this.#credits.set(id, (this.#credits.get(id) ?? 0) + 2 * credit);',
      },
    ],
  },
  'channel-left-open': {
    invariant: 'I13',
    breaks: 'a task that is cancelled leaves its channels open',
    changes: [
      {
        file: 'runtime/taskmanager/task/gate-input.ts',
        find: '    this.#gate.close();\n    return',
        put: '    return',
      },
      {
        file: 'runtime/taskmanager/task/task-parts.ts',
        find: '          writer.close();',
        put: '          void writer;',
      },
    ],
  },
  'channel-of-any-start': {
    invariant: 'I10',
    breaks: 'a consumer takes what any start of its producer wrote',
    changes: [
      {
        file: 'runtime/taskmanager/task/task-builder.ts',
        find: '  `${attemptId(descriptor.producer)}#${edge}#${attemptId(descriptor.consumer)}`;',
        put:
          '  `${attemptId({ ...descriptor.producer, generation: { ...descriptor.producer.generation, number: 1 } })}#${edge}#` +' +
          '  attemptId(descriptor.consumer);',
      },
    ],
  },
  'watermark-back': {
    invariant: 'I6',
    breaks: 'after a restore the watermark begins anew',
    changes: [
      {
        file: 'pipeline/operators/operator-watermark.ts',
        find: '    this.current = this.#restored();',
        put: '    this.current = MIN_WATERMARK;',
      },
    ],
  },
  'assign-between': {
    invariant: 'I6',
    breaks: 'R4: splits are assigned between the snapshot of the enumerator and the trigger',
    changes: [
      {
        file: 'runtime/jobmanager/checkpoint-coordinator/checkpoint-coordinator.ts',
        find: '      this.#options.host.snapshotEnumerators(checkpointId, (enumerators) =>\n',
        put:
          '      const early = await new Promise<unknown>((resolve) =>\n' +
          '        this.#options.host.snapshotEnumerators(checkpointId, resolve),\n' +
          '      );\n' +
          '      await new Promise((resolve) => this.#options.clock.after(500, resolve as () => void));\n' +
          '      this.#options.host.snapshotEnumerators(checkpointId, (late) => {\n' +
          '        const enumerators = early as typeof late;\n' +
          '        return (\n',
      },
      {
        file: 'runtime/jobmanager/checkpoint-coordinator/checkpoint-coordinator.ts',
        find: "        this.handle({ kind: 'id-reserved', checkpointId, enumerators }),\n      );",
        put: "        this.handle({ kind: 'id-reserved', checkpointId, enumerators }));\n      });",
      },
    ],
  },
};
