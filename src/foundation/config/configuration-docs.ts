import { FLINK_KEYS, FLINK_PREFIXES } from './flink-keys.ts';
import { ENVIRONMENT_PREFIX, environmentName, OPTION_GROUPS, type OptionGroup } from './option-registry.ts';
import { explanationOf } from './explain/explain-key.ts';
import { EXPLAIN_TEXTS } from './explain/explain-texts.ts';
import type { AnyOption } from './option.ts';
import { executionOptions } from './options/execution-options.ts';

const INTRODUCTION = `# Configuration

<!-- Written by scripts/generate-configuration-docs.mjs from src/foundation/config; change it there. -->

Options have Apache Flink's keys and meaning; old names of a key are read too. A value comes from, the later over the
earlier:

1. the file: \`config.yaml\` (nested or flat YAML), else \`flink-conf.yaml\` (lines of \`key: value\`), in the folder that
   \`--config\`, \`MILLRACE_CONF_DIR\` or \`FLINK_CONF_DIR\` names, else in \`./conf\`;
2. the environment: \`${ENVIRONMENT_PREFIX}\` and the key in capitals, every other character written \`_\`, such as
   \`${environmentName(executionOptions.parallelism.key)}=4\`;
3. the command line: \`-D key=value\`.

What a job sets in its code counts over all of these. \`millrace config list --origin\` shows where each value comes
from, \`--changed\` the defaults that are not Flink's. \`millrace config explain <key>\` says of a key whether it is required,
what is recommended and what happens without it; \`millrace config check\` says what is wrong, risky or old in a configuration
before anything starts ([config-check.md](config-check.md)).

A duration is a number of milliseconds or a number with a unit (\`100 ms\`, \`5 s\`, \`1min\`, \`1h\`, \`2 d\`); a memory size is
a number of bytes or a number with a unit (\`20 kb\`, \`64mb\`, \`1 gb\`; a kilobyte is 1024 bytes). Letter case does not
count in enumerations, nor whether a name is written with \`-\` or \`_\`. A wrong value is an error; an unknown key is a
warning that names the nearest known one. If both the current and an old name of a key are set in one place, the current
one counts. Spellings that go around but never were keys of Flink (\`zookeeper.quorum\`, \`zookeeper.retry-count\` and the like) are
read too, and answered with the right key; beside the right key with another value they are an error.

Options marked *not yet* are known, and shown with the default they will have, but nothing reads them yet.
`;

/** The text of docs/configuration.md. */
export const configurationDocs = (): string =>
  [
    INTRODUCTION,
    ...OPTION_GROUPS.map(groupSection),
    explainedSection(OPTION_GROUPS.flatMap(({ options }) => options)),
    changedSection(OPTION_GROUPS.flatMap(({ options }) => options)),
    flinkSection(),
  ].join('\n');

const groupSection = ({ title, options }: OptionGroup): string =>
  [
    `## ${title}`,
    '',
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...options.map(
      (option) =>
        `| \`${option.key}\` | ${typeText(option)} | ${cell(option.defaultText)} | ${cell(meaningText(option))} |`,
    ),
    '',
  ].join('\n');

const typeText = ({ type }: AnyOption): string => (type.name === 'enumeration' ? cell(type.allowed) : type.name);

const meaningText = (option: AnyOption): string => {
  const parts = [option.isUsed ? '' : '*No effect.*', option.description];
  if (!option.isFlink) {
    parts.push("Millrace's own.");
  }
  if (option.deprecatedKeys.length > 0) {
    parts.push(`Old names: ${codes(option.deprecatedKeys)}.`);
  }
  if (option.otherSpellings.length > 0) {
    parts.push(`Also read, although never keys of Flink: ${codes(option.otherSpellings)}.`);
  }
  if (option.fallbackKeys.length > 0) {
    parts.push(`Falls back to ${codes(option.fallbackKeys)}.`);
  }
  return parts.filter((part) => part !== '').join(' ');
};

/** The keys that HA depends on, in the words of `config explain`. */
const explainedSection = (options: readonly AnyOption[]): string =>
  [
    '## What high availability needs',
    '',
    '| key | what it does | required | recommended | if not set | SSD |',
    '|---|---|---|---|---|---|',
    ...options
      .filter(({ key }) => EXPLAIN_TEXTS.get(key)?.what !== undefined)
      .map(explanationOf)
      .map(
        ({ key, what, required, recommended, ifNotSet, ssd }) =>
          `| \`${key}\` | ${[what, required, recommended, ifNotSet, ssd].map(cell).join(' | ')} |`,
      ),
    '',
  ].join('\n');

const changedSection = (options: readonly AnyOption[]): string =>
  [
    "## Defaults that differ from Flink's",
    '',
    '| key | Flink | here | reason |',
    '|---|---|---|---|',
    ...options.flatMap(({ key, differs }) =>
      differs === undefined
        ? []
        : [`| \`${key}\` | ${cell(differs.flink)} | ${cell(differs.here)} | ${cell(differs.reason)} |`],
    ),
    '',
  ].join('\n');

const flinkSection = (): string =>
  [
    "## Flink's keys without effect",
    '',
    'These are recognised, so that a Flink configuration can be used as it is; one line at the start says how many of',
    'them are set.',
    '',
    `Families: ${codes(FLINK_PREFIXES.map((prefix) => `${prefix}*`))}.`,
    '',
    ...FLINK_KEYS.map((key) => `- \`${key}\``),
    '',
  ].join('\n');

const codes = (keys: readonly string[]): string => keys.map((key) => `\`${key}\``).join(', ');

const cell = (text: string): string => text.replaceAll('|', '\\|');
