// A cluster of real processes on this machine, killed in front of your eyes: the leading JobManager, then a TaskManager, then
// everything. A program that knows nothing of Millrace then recounts what the job committed. Exit code 0 only if everything is there
// exactly once and the leader's death started no task again.
import { join } from 'node:path';
import { ClusterWatch } from './cluster-watch.ts';
import { DemoCluster, type ClusterEvent } from './demo-cluster.ts';
import { figures, shown, type Act } from './figures.ts';
import { isExact, runDemo, type Demo } from './run-demo.ts';

const SUMS = 110;
/** So many are shown before the first kill and after each. */
const SUMS_OF_AN_ACT = 22;
const START = ['cluster', 'start', '--jobmanagers', '3', '--taskmanagers', '3', '--supervise'];

const INTRODUCTION = `
Millrace, live: 3 JobManagers and 3 TaskManagers, each a process of its own on this machine. A job sums numbers by the
hundred, five sums a second. You will see the leading JobManager killed, then a TaskManager that runs tasks, then everything.
In the end a program that knows nothing of Millrace recounts what was committed: each sum (the k-th is 10000·k + 4950) once.
`;

class ClusterDemo {
  readonly #demo: Demo;
  readonly #cluster: DemoCluster;
  readonly #watch: ClusterWatch;

  constructor(demo: Demo, cluster: DemoCluster) {
    this.#demo = demo;
    this.#cluster = cluster;
    this.#watch = new ClusterWatch(demo, cluster);
  }

  /** Resolves to whether all was as promised. */
  async play(): Promise<boolean> {
    this.#demo.stage.write(INTRODUCTION);
    await this.#start();
    const calm = this.#beginAct('nothing');
    await this.#someSums(calm);
    const leader = await this.#killLeader();
    const taskManager = await this.#killTaskManager();
    const everything = await this.#killEverything();
    await this.#watch.until('the job has finished', () => this.#watch.jobState === 'FINISHED');
    const end = this.#beginAct('the end');
    this.#demo.stage.say('the job has finished: there are no more numbers to sum');
    await this.#millrace(['cluster', 'stop']);
    return this.#judge([calm, leader, taskManager, everything], end, taskManager.taskStarts - leader.taskStarts);
  }

  async #start(): Promise<void> {
    const { stage, folder } = this.#demo;
    const watch = this.#watch;
    await this.#millrace(START);
    await watch.until('a JobManager leads', () => watch.leader !== '');
    stage.say(`${watch.leader} leads, the two others stand by; each TaskManager has a slot`);
    await this.#millrace(['run', '--detached', join(import.meta.dirname, 'job.ts'), folder, String(SUMS)]);
    await watch.until('the job prints a sum', () => watch.sums.count > 0);
  }

  async #killLeader(): Promise<Act> {
    const { stage } = this.#demo;
    const watch = this.#watch;
    const before = watch.leader;
    const act = this.#beginAct('the leader');
    this.#kill(before, 'which leads');
    const goesOn = watch.expect((event) => isRunning(event) && event.process !== before);
    await watch.until('another JobManager leads and the job runs', () => goesOn.atMs !== undefined);
    act.newLeaderAfterMs = goesOn.atMs! - act.sinceMs;
    stage.say(
      `${watch.leader} leads and has the job, ${shown(act.newLeaderAfterMs)} later; ` +
        `tasks that were started again: ${watch.taskStarts - act.taskStarts}`,
    );
    await this.#someSums(act);
    return act;
  }

  async #killTaskManager(): Promise<Act> {
    const watch = this.#watch;
    const victim = watch.printer;
    const act = this.#beginAct('a TaskManager');
    this.#kill(victim, 'whose task prints these sums');
    await this.#outputAgain(act.sinceMs, (event) => event.process !== victim);
    await this.#someSums(act);
    return act;
  }

  async #killEverything(): Promise<Act> {
    const { stage } = this.#demo;
    const watch = this.#watch;
    const act = this.#beginAct('everything');
    const victims = await this.#cluster.killAll();
    watch.look();
    watch.expectNothing();
    stage.shout(
      `kill -9 ${victims.map(({ pid }) => pid).join(' ')}: all ${victims.length} processes, as if the power had failed`,
    );
    watch.expect(
      ({ kind }) => kind === 'leads',
      () =>
        stage.say(`${watch.leader} leads, now that the lease of the dead leader is over; the job is in the HA store`),
    );
    const goesOn = watch.expect(isRunning);
    const startedAtMs = performance.now();
    await this.#millrace(START);
    await this.#outputAgain(startedAtMs, () => true);
    act.newLeaderAfterMs = (goesOn.atMs ?? performance.now()) - act.sinceMs;
    return act;
  }

  /** Waits for a sum by a process of which `isMeant` holds. */
  async #outputAgain(sinceMs: number, isMeant: (event: ClusterEvent) => boolean): Promise<void> {
    const watch = this.#watch;
    const printed = watch.expect((event) => event.kind === 'printed' && isMeant(event));
    await watch.until('the job prints again', () => printed.atMs !== undefined);
    this.#demo.stage.say(
      `output again after ${shown(printed.atMs! - sinceMs)}, by ${watch.printer}, from checkpoint ${watch.restored}; ` +
        'in brackets: printed before, committed once',
    );
  }

  async #someSums({ sinceMs }: Act): Promise<void> {
    const { sums } = this.#watch;
    await this.#watch.until('the job prints more sums', () => sums.countSince(sinceMs) >= SUMS_OF_AN_ACT);
  }

  #beginAct(title: string): Act {
    const { taskStarts, checkpoints } = this.#watch;
    return { title, sinceMs: performance.now(), newLeaderAfterMs: undefined, taskStarts, checkpoints };
  }

  #kill(name: string, what: string): void {
    const { stage } = this.#demo;
    const { pid } = this.#cluster.kill(name);
    stage.shout(`kill -9 ${pid}: ${name}, ${what}`);
    this.#watch.expect(
      (event) => event.kind === 'serves' && event.process === name,
      () => stage.say(`${name} is back: --supervise has started it again`),
    );
  }

  async #millrace(args: readonly string[]): Promise<void> {
    const { stage } = this.#demo;
    // Without what is of this machine: the path of the job, its arguments.
    stage.say(`$ millrace ${args[0] === 'run' ? 'run --detached job.ts' : args.join(' ')}`);
    await this.#watch.during(this.#cluster.millrace(...args));
  }

  async #judge(acts: readonly Act[], end: Act, startedByLeader: number): Promise<boolean> {
    const { stage, folder } = this.#demo;
    stage.write('\nFigures (a gap: the longest wait for a sum that was not printed before)\n');
    stage.write(`${figures(acts, end, this.#watch.sums)}\n`);
    stage.write('Verdict of a program that knows nothing of Millrace, on the committed files\n');
    const exact = await isExact(folder, SUMS);
    stage.write(
      `\n${exact ? 'Exactly once: nothing is repeated, nothing is missing.' : 'NOT exactly once.'} ` +
        (startedByLeader === 0
          ? "The leader's death started no task again."
          : `The leader's death started ${startedByLeader} tasks again, and must not start any.`),
    );
    return exact && startedByLeader === 0;
  }
}

const isRunning = (event: ClusterEvent): boolean => event.kind === 'job' && event.state === 'RUNNING';

await runDemo(async (demo) => {
  const cluster = new DemoCluster(demo.folder);
  try {
    return await new ClusterDemo(demo, cluster).play();
  } finally {
    await cluster.end();
  }
});
