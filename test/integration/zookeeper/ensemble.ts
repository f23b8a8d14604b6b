import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { PortBlock } from './port-block.ts';
import { untilStopped } from './until-stopped.ts';

/*
 * Real ZooKeeper servers, as Debian packages them: one JVM each, on ports and in a folder of their own. They end with the thread that
 * started them.
 */

const JARS = '/usr/share/java';
const INSTALL = 'apt-get install -y --no-install-recommends libzookeeper-java default-jre-headless util-linux';
const START_TIMEOUT_MS = 60_000;

/** Sessions get the timeout that they ask for. Without it they get 20 ticks at most, which are 4 s. */
export const LONG_SESSIONS: readonly string[] = ['maxSessionTimeout=40000'];

/** Where a server runs; this machine unless said. */
export interface ServerPlace {
  readonly address: string;
  /** What runs a command there. */
  readonly through: readonly string[];
}

export interface EnsembleOptions {
  /** As many as there are places, or 3. */
  readonly servers?: number;
  readonly places?: readonly ServerPlace[];
  /** Lines of each server's zoo.cfg; they count over the usual ones. */
  readonly config?: readonly string[] | ((ports: ServerPorts) => readonly string[]);
  /** Arguments of the JVMs, `-D...`. */
  readonly java?: readonly string[];
  /** Names of further jars. */
  readonly jars?: readonly string[];
  /** Files beside zoo.cfg, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

interface ServerPorts {
  readonly client: number;
  readonly peers: number;
  readonly election: number;
  readonly secure: number;
}

interface Member {
  readonly folder: string;
  readonly place: ServerPlace;
  readonly ports: ServerPorts;
  process: ChildProcess | undefined;
}

const requireParts = (jars: readonly string[]): void => {
  const hasProgram = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
  const missing = [
    ...['java', 'setpriv'].filter((name) => !hasProgram(name)),
    ...jars.filter((path) => !existsSync(path)),
  ];
  if (process.platform !== 'linux' || missing.length > 0) {
    throw new Error(`these tests need Linux and ${missing.join(', ')}; on Debian: ${INSTALL}`);
  }
};

/** What a server answers to a command of four letters; rejects when it does not. */
export const fourLetters = (port: number, command: string, timeoutMs = 1_000): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(command));
    let answer = '';
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer to ${command}`)));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });

const HERE: ServerPlace = { address: '127.0.0.1', through: [] };
const ASK_TIMEOUT_MS = 1_000;

/** The same to a server on another host. */
const askThere = async ({ address, through }: ServerPlace, port: number, command: string): Promise<string> => {
  const script = 'exec 3<>"/dev/tcp/$0/$1"; printf %s "$2" >&3; cat <&3';
  const [program, ...args] = [...through, 'bash', '-c', script, address, String(port), command];
  const { stdout } = await promisify(execFile)(program, args, { timeout: ASK_TIMEOUT_MS, killSignal: 'SIGKILL' });
  return stdout;
};

export class Ensemble implements AsyncDisposable {
  readonly #folder: string;
  readonly #block: PortBlock;
  readonly #members: readonly Member[];
  readonly #options: EnsembleOptions;

  private constructor(folder: string, block: PortBlock, members: readonly Member[], options: EnsembleOptions) {
    this.#folder = folder;
    this.#block = block;
    this.#members = members;
    this.#options = options;
  }

  /** All servers serve. Rejects with the command that installs what is missing. */
  static async start(options: EnsembleOptions = {}): Promise<Ensemble> {
    const { places, servers = places?.length ?? 3 } = options;
    requireParts(classPath(options));
    const folder = mkdtempSync(join(tmpdir(), 'zookeeper-'));
    const block = await PortBlock.claim(servers * 4);
    const members = Array.from({ length: servers }, (_, at): Member => {
      const [client, peers, election, secure] = block.ports.slice(at * 4, at * 4 + 4) as [
        number,
        number,
        number,
        number,
      ];
      const place = places?.[at] ?? HERE;
      return {
        folder: join(folder, `server-${at}`),
        place,
        ports: { client, peers, election, secure },
        process: undefined,
      };
    });
    const ensemble = new Ensemble(folder, block, members, options);
    for (const at of members.keys()) {
      ensemble.#configure(at);
      ensemble.#spawn(at);
    }
    try {
      await ensemble.serving();
    } catch (error) {
      await ensemble.stop();
      throw error;
    }
    return ensemble;
  }

  get size(): number {
    return this.#members.length;
  }

  get connectString(): string {
    return this.#members.map(({ place, ports }) => `${place.address}:${ports.client}`).join();
  }

  portOf(server: number): number {
    return this.#member(server).ports.client;
  }

  securePortOf(server: number): number {
    return this.#member(server).ports.secure;
  }

  pidOf(server: number): number | undefined {
    return this.#member(server).process?.pid;
  }

  /** All of them, or these, answer as members of an ensemble. */
  async serving(servers: readonly number[] = [...this.#members.keys()]): Promise<void> {
    for (const server of servers) {
      const serves = async (): Promise<boolean> => {
        const code = this.#member(server).process?.exitCode ?? undefined;
        if (code !== undefined) {
          throw new Error(`server ${server} ended with ${code}: ${this.#logOf(server)}`);
        }
        return (await this.modeOf(server)) !== undefined;
      };
      await eventually(`server ${server} serves`, serves, {
        timeoutMs: START_TIMEOUT_MS,
        explain: () => this.#logOf(server),
      });
    }
  }

  /** What a server answers to a command of four letters; rejects when it does not. */
  ask(server: number, command: string): Promise<string> {
    const { place, ports } = this.#member(server);
    return place === HERE ? fourLetters(ports.client, command) : askThere(place, ports.client, command);
  }

  async modeOf(server: number): Promise<'leader' | 'follower' | 'standalone' | undefined> {
    const answer = await this.ask(server, 'srvr').catch(() => '');
    return /Mode: (leader|follower|standalone)/.exec(answer)?.[1] as 'leader' | undefined;
  }

  /** The one that leads; waits for an election. */
  async leader(): Promise<number> {
    let leader: number | undefined;
    await eventually('a server leads', async () => {
      const modes = await Promise.all(this.#members.map((_, server) => this.modeOf(server)));
      leader = modes.findIndex((mode) => mode === 'leader' || mode === 'standalone');
      return leader >= 0;
    });
    return leader!;
  }

  /** The server that has the session's connection. */
  async connectedTo(sessionId: bigint): Promise<number> {
    const wanted = `sid=0x${BigInt.asUintN(64, sessionId).toString(16)},`;
    let found = -1;
    await eventually('a server has the session', async () => {
      const lists = await Promise.all(this.#members.map((_, server) => this.ask(server, 'cons').catch(() => '')));
      found = lists.findIndex((list) => list.includes(wanted));
      return found >= 0;
    });
    return found;
  }

  /** As kill -9; resolves when it is gone. */
  async kill(server: number): Promise<void> {
    const member = this.#member(server);
    const running = member.process;
    member.process = undefined;
    if (running !== undefined && running.exitCode === null && running.signalCode === null) {
      const gone = once(running, 'exit');
      running.kill('SIGKILL');
      await gone;
    }
  }

  /** Its connections stay. When this returns none of its threads runs any more, which the signal alone does not promise. */
  pause(server: number): void {
    const { process: running } = this.#member(server);
    if (running?.pid !== undefined && running.kill('SIGSTOP')) {
      untilStopped(running.pid);
    }
  }

  resume(server: number): void {
    this.#member(server).process?.kill('SIGCONT');
  }

  /** After `kill`; with what it had on disk. Does not wait until it serves. */
  restart(server: number): void {
    this.#spawn(server);
  }

  /** Whatever was done to its servers: all of them run and serve. */
  async mend(): Promise<void> {
    for (let server = 0; server < this.size; server++) {
      this.resume(server);
      if (this.pidOf(server) === undefined) {
        this.restart(server);
      }
    }
    await this.serving();
  }

  /** What a server has on disk; to be touched only while it does not run. */
  dataOf(server: number): string {
    return join(this.#member(server).folder, 'data', 'version-2');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((_, server) => this.kill(server)));
    await this.#block.release();
    await rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #member(server: number): Member {
    const member = this.#members[server];
    if (member === undefined) {
      throw new Error(`no server ${server} of ${this.#members.length}`);
    }
    return member;
  }

  #configure(server: number): void {
    const { folder, place, ports } = this.#member(server);
    const { config = [], files = {} } = this.#options;
    mkdirSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data', 'myid'), String(server + 1));
    writeFileSync(join(folder, 'log4j.properties'), LOGGING);
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), content);
    }
    const settings = new Map(
      [
        'tickTime=200',
        'initLimit=20',
        'syncLimit=5',
        `dataDir=${join(folder, 'data')}`,
        `clientPortAddress=${place.address}`,
        `clientPort=${ports.client}`,
        'admin.enableServer=false',
        '4lw.commands.whitelist=*',
        'maxClientCnxns=0',
        'minSessionTimeout=500',
        ...(this.#members.length === 1
          ? []
          : this.#members.map(
              (each, at) => `server.${at + 1}=${each.place.address}:${each.ports.peers}:${each.ports.election}`,
            )),
        ...(typeof config === 'function' ? config(ports) : config),
      ].map((line) => [line.slice(0, line.indexOf('=')), line]),
    );
    writeFileSync(join(folder, 'zoo.cfg'), [...settings.values(), ''].join('\n'));
  }

  #spawn(server: number): void {
    const member = this.#member(server);
    const { java = [] } = this.#options;
    const output = openSync(join(member.folder, 'output.log'), 'a');
    const [program, ...args] = [
      ...member.place.through,
      ...[
        'setpriv',
        '--pdeathsig',
        'KILL',
        'java',
        '-Xms24m',
        '-Xmx96m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
      ],
      ...['-Xshare:auto', '-Dzookeeper.preAllocSize=1024', '-Dzookeeper.forceSync=no'],
      ...['-Dzookeeper.jmx.log4j.disable=true', ...java],
      ...['-cp', [member.folder, ...classPath(this.#options)].join(':')],
      ...['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(member.folder, 'zoo.cfg')],
    ];
    member.process = spawn(program!, args, { cwd: member.folder, stdio: ['ignore', output, output] });
    member.process.on('error', () => {});
  }

  #logOf(server: number): string {
    return readFileSync(join(this.#member(server).folder, 'output.log'), 'utf8').slice(-2_000);
  }
}

/** Jars of the servers, and these by name. */
export const classPath = ({ jars = [] }: EnsembleOptions): readonly string[] =>
  ['slf4j-log4j12', 'log4j-1.2', 'zookeeper', ...jars].map((name) => join(JARS, `${name}.jar`));

const LOGGING = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1} %m%n
`;
