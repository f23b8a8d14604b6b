import { parseArgs } from 'node:util';
import { messageOf, MillraceError } from '../../foundation/common/errors.ts';
import { configList, type ConfigTable } from '../../foundation/config/config-list.ts';
import { loadConfiguration } from '../../foundation/config/load-configuration.ts';

export interface ConfigCommandOutput {
  /** For standard output. */
  readonly text: string;
  /** For standard error. */
  readonly notes: readonly string[];
}

/**
 * `config list [--origin] [--changed] [--config <dir>] [-D key=value]...`
 *
 * Errors: BAD_OPTION for arguments that are not understood or a value that is not allowed; FILE_NOT_FOUND.
 */
export const configCommand = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ConfigCommandOutput => {
  const { verb, values } = parseArguments(argv);
  if (verb !== 'list') {
    throw new MillraceError('BAD_OPTION', `config ${verb ?? ''}: expected config list [--origin] [--changed]`);
  }
  const { configuration, file, warnings, hints } = loadConfiguration({
    configDir: values.config,
    args: values.define ?? [],
    env,
  });
  const table = configList(configuration, { origin: values.origin ?? false, changed: values.changed ?? false });
  const read = file === undefined ? 'no configuration file' : `configuration file: ${file}`;
  return { text: formatTable(table), notes: [read, ...warnings.map((warning) => `warning: ${warning}`), ...hints] };
};

const parseArguments = (argv: readonly string[]) => {
  try {
    const { positionals, values } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        origin: { type: 'boolean' },
        changed: { type: 'boolean' },
        config: { type: 'string' },
        define: { type: 'string', short: 'D', multiple: true },
      },
    });
    return { verb: positionals[0], values };
  } catch (error) {
    throw new MillraceError('BAD_OPTION', messageOf(error), { cause: error });
  }
};

/** Columns of equal width; the last one is as wide as it is. */
export const formatTable = ({ header, rows }: ConfigTable): string => {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((text, column) => (column === line.length - 1 ? text : text.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
