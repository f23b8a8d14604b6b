import { MillraceError } from '../../foundation/common/errors.ts';
import { alignedLines } from './aligned-lines.ts';
import { JOB_ID, withTarget, type AddCommand, type ClusterFlags } from './control-commands.ts';
import type { Parallelisms, RescaleResult } from './job-control.ts';
import type { Terminal } from './terminal.ts';

interface RescaleFlags extends ClusterFlags {
  readonly parallelism?: string;
  readonly vertex: readonly string[];
  readonly detached?: boolean;
}

/** `millrace rescale`. */
export const addRescaleCommand: AddCommand = (program, { terminal, openControl, exit }) => {
  withTarget(program.command('rescale'))
    .description('give a running job another parallelism; it goes on from a checkpoint that is taken for it')
    .argument(...JOB_ID)
    .option('-p, --parallelism <n>', 'of operators whose code sets none')
    .option(
      '--vertex <name|id>=<n>',
      'of this vertex; repeatable',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option('--detached', 'do not wait until the job runs with it')
    .exitOverride()
    .action(async (job: string, flags: RescaleFlags) => {
      const order = {
        parallelism: flags.parallelism === undefined ? undefined : countOf('--parallelism', flags.parallelism),
        vertices: new Map(flags.vertex.map(vertexOf)),
        isDetached: flags.detached === true,
      };
      if (order.parallelism === undefined && order.vertices.size === 0) {
        throw new MillraceError('BAD_OPTION', 'give --parallelism <n>, or --vertex <name|id>=<n> as often as needed');
      }
      terminal.log(`Rescaling job ${job} ...`);
      const result = await (await openControl(flags)).rescale(job, order);
      await sayResult(terminal, job, result);
      if (result.after !== undefined && (result.status === 'FAILED' || result.status === 'CANCELED')) {
        exit(1);
      }
    });
};

const sayResult = async (terminal: Terminal, job: string, { before, after, status }: RescaleResult): Promise<void> => {
  if (after === undefined) {
    await terminal.print(`Job ${job} is being rescaled.`);
  } else if (status !== 'RUNNING') {
    await terminal.print(`Job ${job} is ${status} meanwhile.`);
  } else {
    for (const line of alignedLines([['Vertex', 'Before', 'Now'], ...changes(before, after)])) {
      await terminal.print(line);
    }
    await terminal.print(`Job ${job} runs with this parallelism.`);
  }
};

/** What is chained differs with the parallelism: a vertex may be new, or gone. */
const changes = (before: Parallelisms, after: Parallelisms): readonly (readonly string[])[] => {
  const kept = after.map(({ id, name, parallelism }) => {
    const old = before.find((vertex) => vertex.id === id && vertex.name === name);
    return [name, String(old?.parallelism ?? '-'), String(parallelism)];
  });
  const gone = before.filter(({ id, name }) => !after.some((vertex) => vertex.id === id && vertex.name === name));
  return [...kept, ...gone.map(({ name, parallelism }) => [name, String(parallelism), '-'])];
};

const vertexOf = (text: string): readonly [string, number] => {
  // A name may have the sign itself: the last one counts.
  const at = text.lastIndexOf('=');
  if (at <= 0) {
    throw new MillraceError('BAD_OPTION', `--vertex is '${text}'; expected <name or id of the vertex>=<parallelism>`);
  }
  return [text.slice(0, at), countOf(`--vertex ${text.slice(0, at)}`, text.slice(at + 1))];
};

const countOf = (what: string, text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) {
    throw new MillraceError('BAD_OPTION', `${what} is '${text}'; allowed: a whole number, 1 or more`);
  }
  return Number(text);
};
