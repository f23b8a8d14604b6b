import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';

export interface View {
  readonly session: string;
  /** That its watches have heard so far. */
  readonly events: number;
  /** `<transaction> <data>` by path. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** A running `watching-process.ts`. */
export class WatchingClient implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.#lines.push(line));
  }

  /** Resolves when it watches all of these. */
  static async start(
    connectString: string,
    kind: 'once' | 'persistent' | 'persistent-recursive',
    root: string,
    paths: readonly string[],
  ): Promise<WatchingClient> {
    const script = join(import.meta.dirname, 'watching-process.ts');
    const child = spawn(process.execPath, [script, connectString, kind, root], { stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new WatchingClient(child);
    child.stdin.write(`${JSON.stringify(paths)}\n`);
    await client.#line('watching');
    return client;
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** What it takes the nodes to be now. */
  async view(): Promise<View> {
    this.#child.stdin!.write('view\n');
    return JSON.parse(await this.#line('view')) as View;
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }

  /** The rest of the next line, which begins with this word. */
  async #line(word: string): Promise<string> {
    await eventually(`the client says ${word}`, () => this.#lines.length > 0 || this.#child.exitCode !== null, {
      timeoutMs: 40_000,
    });
    const line = this.#lines.shift() ?? `nothing, it ended with ${this.#child.exitCode}`;
    if (!line.startsWith(`${word} `)) {
      throw new Error(`instead of ${word} the client said ${line.slice(0, 200)}`);
    }
    return line.slice(word.length + 1);
  }
}
