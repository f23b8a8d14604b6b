import type { Configuration } from './configuration.ts';
import { ALL_OPTIONS, HIDDEN_VALUE, isSecret, meaningOf } from './option-registry.ts';
import { rawText } from './option-type.ts';

/** Rows for people, secrets masked. */
export interface ConfigTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface ConfigListOptions {
  /** Also where each value comes from. */
  readonly origin?: boolean;
  /** Only the defaults that are not Flink's, with the reason. */
  readonly changed?: boolean;
}

/** What is in force: every option that has an effect, and all that is set. */
export const configList = (configuration: Configuration, options: ConfigListOptions = {}): ConfigTable => {
  if (options.changed === true) {
    return changedDefaults();
  }
  const rows = [...optionRows(configuration), ...foreignRows(configuration)];
  return options.origin === true
    ? { header: ['key', 'value', 'origin'], rows }
    : { header: ['key', 'value'], rows: rows.map((row) => row.slice(0, 2)) };
};

const optionRows = (configuration: Configuration): readonly (readonly string[])[] =>
  ALL_OPTIONS.flatMap((option) => {
    const entry = configuration.entry(option);
    if (entry === undefined) {
      return option.isUsed ? [[option.key, option.defaultText, 'default']] : [];
    }
    const value = option.type.parse(entry.value);
    const shown = value === undefined ? rawText(entry.value) : option.type.format(value);
    const origin = entry.key === option.key ? entry.origin : `${entry.origin} (${entry.key})`;
    return [
      [option.key, isSecret(option.key) ? HIDDEN_VALUE : shown, option.isUsed ? origin : `${origin}, no effect yet`],
    ];
  });

const foreignRows = (configuration: Configuration): readonly (readonly string[])[] =>
  configuration.entries().flatMap((entry) => {
    const meaning = meaningOf(entry.key);
    if (meaning.kind === 'option') {
      return [];
    }
    const value = isSecret(entry.key) ? HIDDEN_VALUE : rawText(entry.value);
    return [[entry.key, value, `${entry.origin}, ${meaning.kind === 'flink' ? 'no effect yet' : 'unknown key'}`]];
  });

const changedDefaults = (): ConfigTable => ({
  header: ['key', 'Flink', 'here', 'reason'],
  rows: ALL_OPTIONS.flatMap(({ key, differs }) =>
    differs === undefined ? [] : [[key, differs.flink, differs.here, differs.reason]],
  ),
});
