import { readdirSync, readFileSync } from 'node:fs';

const PATIENCE_MS = 10_000;
const sleeping = new Int32Array(new SharedArrayBuffer(4));

/**
 * Blocks until each thread of a process is stopped (Linux). SIGSTOP is taken by one of its threads; on a machine whose cores are busy the
 * others may go on until that one has had its turn, long enough to answer.
 */
export const untilStopped = (pid: number): void => {
  const deadline = performance.now() + PATIENCE_MS;
  while (!statesOf(pid).every((state) => 'TtZX'.includes(state))) {
    if (performance.now() > deadline) {
      throw new Error(`process ${pid} still runs ${PATIENCE_MS} ms after it was told to stop`);
    }
    Atomics.wait(sleeping, 0, 0, 1);
  }
};

/** The letter of each of its threads; none when it has ended. */
const statesOf = (pid: number): readonly string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) => stateOf(pid, thread));
  } catch {
    return [];
  }
};

/** `123 (name, which may have ") " in it) T ...` */
const stateOf = (pid: number, thread: string): readonly string[] => {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return [stat[stat.lastIndexOf(')') + 2]!];
  } catch {
    return [];
  }
};
