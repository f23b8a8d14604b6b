import { badValueMessage, type ConfigEntry, type Configuration } from './configuration.ts';
import { ALL_OPTIONS, meaningOf } from './option-registry.ts';
import { rawText } from './option-type.ts';

export interface ConfigurationFindings {
  /** Values that are not allowed. */
  readonly errors: readonly string[];
  /** What the user probably did not mean. */
  readonly warnings: readonly string[];
  /** What is worth one line: old names, keys without effect. */
  readonly hints: readonly string[];
}

/** Keys that are named in a hint before it says how many more there are. */
const SHOWN_KEYS = 6;

export const checkConfiguration = (configuration: Configuration): ConfigurationFindings => {
  const errors: string[] = [];
  const warnings: string[] = [];
  const withoutEffect: string[] = [];
  const renamed: string[] = [];

  for (const entry of configuration.entries()) {
    const meaning = meaningOf(entry.key);
    switch (meaning.kind) {
      case 'unknown':
        warnings.push(unknownKeyMessage(entry, meaning.nearest));
        break;
      case 'flink':
        withoutEffect.push(entry.key);
        break;
      case 'option':
        if (meaning.isDeprecated) {
          renamed.push(`${entry.key} is now ${meaning.options.map(({ key }) => key).join(' and ')}`);
        }
        if (!meaning.options.some(({ isUsed }) => isUsed)) {
          withoutEffect.push(entry.key);
        }
    }
  }

  for (const option of ALL_OPTIONS) {
    const entry = configuration.entry(option);
    if (entry === undefined) {
      continue;
    }
    if (option.isUsed && option.type.parse(entry.value) === undefined) {
      errors.push(badValueMessage(option, entry));
    }
    const [counts, ...others] = configuration.namesakes(option);
    for (const other of others) {
      if (counts !== undefined && rawText(other.value) !== rawText(counts.value)) {
        warnings.push(`${counts.key} (${counts.origin}) counts, not its old name ${other.key} (${other.origin})`);
      }
    }
  }

  const hints: string[] = [];
  if (renamed.length > 0) {
    hints.push(`old names: ${shortList(renamed)}`);
  }
  if (withoutEffect.length > 0) {
    const noun = withoutEffect.length === 1 ? 'key has' : 'keys have';
    hints.push(`${withoutEffect.length} ${noun} no effect in Millrace yet: ${shortList(withoutEffect)}`);
  }
  return { errors, warnings, hints };
};

const unknownKeyMessage = (entry: ConfigEntry, nearest: string | undefined): string =>
  `unknown key ${entry.key} (${entry.origin})${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;

const shortList = (items: readonly string[]): string =>
  items.length <= SHOWN_KEYS
    ? items.join(', ')
    : `${items.slice(0, SHOWN_KEYS).join(', ')} and ${items.length - SHOWN_KEYS} more`;
