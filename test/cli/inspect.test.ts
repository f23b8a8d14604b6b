import { realpath } from 'node:fs/promises';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { MillraceProcess, folderWith, jobFile } from './millrace-process.ts';

interface ScriptParsed {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL?: string;
}

interface Paused {
  readonly data?: { readonly scriptId?: string };
  readonly callFrames: readonly {
    readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number };
    readonly functionName: string;
  }[];
}

/** A debugger, as far as it takes: sends commands, waits for events. */
class Debugger {
  readonly scripts: ScriptParsed[] = [];
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #listeners = new Map<string, ((params: unknown) => void)[]>();
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown; method?: string; params?: unknown };
      if (message.id !== undefined) {
        this.#answers.get(message.id)?.(message.result);
      } else if (message.method !== undefined) {
        if (message.method === 'Debugger.scriptParsed') {
          this.scripts.push(message.params as ScriptParsed);
        }
        this.#listeners
          .get(message.method)
          ?.splice(0)
          .forEach((listener) => listener(message.params));
      }
    });
  }

  static async attach(url: string): Promise<Debugger> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    return new Debugger(socket);
  }

  send<T = unknown>(method: string, params: object = {}): Promise<T> {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => {
      this.#answers.set(id, resolve as (result: unknown) => void);
    });
  }

  once<T>(method: string): Promise<T> {
    return new Promise((resolve) => {
      this.#listeners.set(method, [...(this.#listeners.get(method) ?? []), resolve as (params: unknown) => void]);
    });
  }

  /**
   * Runs until the code that was made from a file is about to run, as debuggers do in order to have their breakpoints in
   * place: resolves to the script and its map.
   */
  async runUntilLoaded(source: string): Promise<{ readonly script: ScriptParsed; readonly map: SourceMap }> {
    await this.send('Debugger.setInstrumentationBreakpoint', { instrumentation: 'beforeScriptWithSourceMapExecution' });
    let paused = this.once<Paused>('Debugger.paused');
    await this.send('Runtime.runIfWaitingForDebugger');
    for (;;) {
      const { scriptId } = (await paused).data ?? {};
      const script = this.scripts.find((each) => each.scriptId === scriptId);
      const map = mapOf(script?.sourceMapURL);
      if (script !== undefined && map?.payload.sources.includes(source) === true) {
        return { script, map };
      }
      paused = this.once<Paused>('Debugger.paused');
      await this.send('Debugger.resume');
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** The map inside a script; `undefined` for one that is in a file of its own. */
const mapOf = (url: string | undefined): SourceMap | undefined => {
  const [, encoded] = url?.split('base64,') ?? [];
  return encoded === undefined
    ? undefined
    : new SourceMap(JSON.parse(atob(encoded)) as ConstructorParameters<typeof SourceMap>[0]);
};

/** Where a line of the source begins in the generated code. */
const generatedPlace = (
  map: SourceMap,
  generatedLines: number,
  source: string,
  line: number,
): { line: number; column: number } => {
  for (let generated = 0; generated < generatedLines; generated++) {
    for (let column = 0; column < 200; column++) {
      const entry = map.findEntry(generated, column);
      if ('originalSource' in entry && entry.originalSource === source && entry.originalLine === line) {
        return { line: entry.generatedLine, column: entry.generatedColumn };
      }
    }
  }
  throw new Error(`no code comes from line ${line + 1} of ${source}`);
};

test('--inspect waits for a debugger, which stops in a function of the job at a line of its TypeScript file', async () => {
  const cwd = await realpath(
    await folderWith({
      'double.ts': `export interface Doubled { readonly twice: number }

export const double = (x: number): Doubled => {
  const twice: number = x * 2;
  return { twice };
};
`,
      'job.ts': `import { double } from './double.ts';\n${jobFile(`
        env.from(sequence({ from: 1, to: 2 })).map((x) => double(x)).map((d) => d.twice).print();`)}`,
    }),
  );
  const running = new MillraceProcess(['run', '--no-check', '--inspect-port', '0', 'job.ts'], { cwd });
  const url = await running.until(({ stderr }) => /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(stderr)?.[0]);
  const inspector = await Debugger.attach(url);
  await inspector.send('Runtime.enable');
  await inspector.send('Debugger.enable');
  const source = pathToFileURL(join(cwd, 'double.ts')).href;
  const { script, map } = await inspector.runUntilLoaded(source);
  const { scriptSource } = await inspector.send<{ scriptSource: string }>('Debugger.getScriptSource', {
    scriptId: script.scriptId,
  });
  const line = 4;
  const place = generatedPlace(map, scriptSource.split('\n').length, source, line);
  await inspector.send('Debugger.setBreakpoint', {
    location: { scriptId: script.scriptId, lineNumber: place.line, columnNumber: place.column },
  });
  const paused = inspector.once<Paused>('Debugger.paused');
  await inspector.send('Debugger.resume');

  const [frame] = (await paused).callFrames;
  expect(frame).toMatchObject({ functionName: 'double', location: { scriptId: script.scriptId } });
  expect(map.findEntry(frame!.location.lineNumber, frame!.location.columnNumber)).toMatchObject({
    originalSource: source,
    originalLine: line,
  });
  inspector.close();
  const { code, stdout } = await running.ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: '2\n4\n' });
});
