import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { RpcLimits } from '../rpc-limits.ts';

const SCRIPT = join(import.meta.dirname, 'peer-process.ts');

/** `peer-process.ts` in a process of its own. */
export class ChildPeer {
  readonly process: ChildProcess;
  readonly port: number;
  readonly errors: string[];

  private constructor(child: ChildProcess, port: number, errors: string[]) {
    this.process = child;
    this.port = port;
    this.errors = errors;
  }

  static async listen(limits: Partial<RpcLimits> = {}): Promise<ChildPeer> {
    const { child, errors } = start('listen', JSON.stringify(limits));
    const [line] = (await Promise.race([
      once(createInterface({ input: child.stdout! }), 'line'),
      once(child, 'exit').then(() => [`it ended: ${errors.join('')}`]),
    ])) as [string];
    const port = Number(line);
    if (!(port > 0)) {
      throw new Error(`the peer did not start: ${line}`);
    }
    return new ChildPeer(child, port, errors);
  }

  static connect(port: number): ChildPeer {
    const { child, errors } = start('connect', String(port));
    return new ChildPeer(child, 0, errors);
  }

  get isAlive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.isAlive) {
      this.signal('SIGKILL');
      await once(this.process, 'exit');
    }
  }
}

const start = (...args: readonly string[]): { child: ChildProcess; errors: string[] } => {
  const child = spawn(process.execPath, ['--expose-gc', SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors: string[] = [];
  child.stderr.on('data', (data: Buffer) => errors.push(data.toString()));
  return { child, errors };
};
