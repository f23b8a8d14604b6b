import type { Command } from 'commander';
import { codeOf, messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { bySeverity, findingsOf, LEVELS } from '../../foundation/config/check/all-findings.ts';
import type { CheckFacts } from '../../foundation/config/check/check-facts.ts';
import type { Finding } from '../../foundation/config/check/finding.ts';
import { explainKey } from '../../foundation/config/explain/explain-key.ts';
import { configList } from '../../foundation/config/config-list.ts';
import type { Configuration } from '../../foundation/config/configuration.ts';
import { readConfiguration } from '../../foundation/config/load-configuration.ts';
import { alignedLines } from './aligned-lines.ts';
import { withConfiguration, type ClusterFlags } from './control-commands.ts';
import type { Terminal } from './terminal.ts';

export interface CheckRequest {
  /** With wrong values and all. */
  readonly configuration: Configuration;
  /** The file it was read from. */
  readonly file: string | undefined;
  /** Paths. */
  readonly manifests: readonly string[];
  /** Whether the ZooKeeper servers are asked. */
  readonly asksServers: boolean;
}

export interface ConfigCommands {
  readonly gatherFacts: (request: CheckRequest) => Promise<CheckFacts>;
}

export interface ConfigCommandLine extends ConfigCommands {
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly load: (flags: ClusterFlags) => Configuration;
  readonly exit: (code: number) => void;
}

/** `millrace config`: look at the configuration before anything starts. */
export const addConfigCommand = (program: Command, environment: ConfigCommandLine): void => {
  const config = program.command('config').description('look at the configuration').exitOverride();
  addList(config, environment);
  addCheck(config, environment);
  addExplain(config, environment);
};

interface ListFlags extends ClusterFlags {
  readonly origin?: boolean;
  readonly changed?: boolean;
}

const addList = (config: Command, { terminal, load }: ConfigCommandLine): void => {
  withConfiguration(config.command('list'))
    .description('list the options with their values')
    .option('--origin', 'show where each value comes from')
    .option('--changed', "show the defaults that differ from Flink's, and why")
    .exitOverride()
    .action(async (flags: ListFlags) => {
      const configuration = load(flags);
      const options = { origin: flags.origin === true, changed: flags.changed === true };
      const { header, rows } = configList(configuration, options);
      for (const line of alignedLines([header, ...rows])) {
        await terminal.print(line);
      }
    });
};

interface CheckFlags extends ClusterFlags {
  readonly file: readonly string[];
  readonly offline?: boolean;
  readonly json?: boolean;
}

const collect = (value: string, before: readonly string[]): string[] => [...before, value];

const addCheck = (config: Command, environment: ConfigCommandLine): void => {
  withConfiguration(config.command('check'))
    .description('say what is wrong, risky or old before anything starts; exits with 1 when there is an error')
    .option('-f, --file <manifest>', 'look at this Kubernetes manifest too; may be repeated', collect, [])
    .option('--offline', 'do not ask the ZooKeeper servers')
    .option('--json', 'the findings as JSON')
    .exitOverride()
    .action(async (flags: CheckFlags) => {
      const { terminal, exit } = environment;
      const findings = await check(flags, environment);
      await (flags.json === true ? terminal.print(reportOf(findings)) : print(findings, terminal));
      if (findings.some(({ level }) => level === 'error')) {
        exit(1);
      }
    });
};

const check = async (
  flags: CheckFlags,
  { env, gatherFacts }: Pick<ConfigCommandLine, 'env' | 'gatherFacts'>,
): Promise<readonly Finding[]> => {
  let read: ReturnType<typeof readConfiguration>;
  try {
    read = readConfiguration({ configDir: flags.config, args: flags.D, env });
  } catch (thrown) {
    if (codeOf(thrown) !== 'BAD_OPTION') {
      throw thrown;
    }
    return [unreadable(messageOf(thrown))];
  }
  const { configuration, file, warnings } = read;
  const facts = await gatherFacts({ configuration, file, manifests: flags.file, asksServers: flags.offline !== true });
  return bySeverity([...warnings.map(unclear), ...findingsOf(facts)]);
};

/** The place that a message about a text names. */
const placeIn = (message: string): string | undefined =>
  /[^\s(]+:\d+(?=[:;,) ]|$)/.exec(message)?.[0].replace(/:(\d+):\d+$/, ':$1');

const unreadable = (message: string): Finding => ({
  code: 'UNREADABLE_CONFIGURATION',
  level: 'error',
  message,
  origin: placeIn(message),
  wayOut: 'correct the text; nothing else was looked at',
});

const unclear = (message: string): Finding => ({
  code: 'UNCLEAR_SETTING',
  level: 'risk',
  message,
  origin: placeIn(message),
  wayOut: 'write each key once, as "key: value"',
});

const print = async (findings: readonly Finding[], terminal: Terminal): Promise<void> => {
  for (const { code, level, message, origin, wayOut } of findings) {
    await terminal.print(`${level.padEnd(5)}  ${code}${origin === undefined ? '' : `  ${origin}`}`);
    await terminal.print(`       ${message}`);
    await terminal.print(`       > ${wayOut}`);
  }
  const counts = countsOf(findings);
  await terminal.print(LEVELS.map((level) => `${level}s: ${counts[level]}`).join(', '));
};

const countsOf = (findings: readonly Finding[]): Record<(typeof LEVELS)[number], number> => {
  const count = (wanted: string): number => findings.filter(({ level }) => level === wanted).length;
  return { error: count('error'), risk: count('risk'), hint: count('hint') };
};

const reportOf = (findings: readonly Finding[]): string => {
  const { error, risk, hint } = countsOf(findings);
  const listed = findings.map(({ code, level, message, origin, wayOut }) => {
    const { file, line } = /^(?<file>.+):(?<line>\d+)$/s.exec(origin ?? '')?.groups ?? {};
    return {
      code,
      level,
      message,
      ...(origin === undefined ? {} : { origin }),
      ...(file === undefined ? {} : { file, line: Number(line) }),
      wayOut,
    };
  });
  return JSON.stringify({ errors: error, risks: risk, hints: hint, findings: listed }, undefined, 2);
};

const addExplain = (config: Command, { terminal }: ConfigCommandLine): void => {
  config
    .command('explain')
    .description('say what a key does, whether it is required, what is recommended, and what happens without it')
    .argument('<key...>', 'keys; old names and other spellings are known too')
    .exitOverride()
    .action(async (keys: readonly string[]) => {
      for (const [at, key] of keys.entries()) {
        if (at > 0) {
          await terminal.print('');
        }
        await explain(key, terminal);
      }
    });
};

/** Errors: BAD_OPTION. */
const explain = async (key: string, terminal: Terminal): Promise<void> => {
  const found = explainKey(key);
  switch (found.kind) {
    case 'unknown':
      throw new MillraceError(
        'BAD_OPTION',
        `there is no key ${key}${found.nearest === undefined ? '; millrace config list has them all' : `; did you mean ${found.nearest}?`}`,
      );
    case 'without-effect':
      await terminal.print(found.text);
      return;
    case 'options':
      if (found.note !== undefined) {
        await terminal.print(found.note);
      }
      for (const lines of found.options) {
        for (const line of alignedLines(lines)) {
          await terminal.print(line);
        }
      }
  }
};
