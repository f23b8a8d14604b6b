import { DURATION_SYNTAX, formatDuration, parseDuration } from '../common/duration.ts';
import { formatPorts, portsOf } from '../common/port-list.ts';
import { formatMemorySize, MEMORY_SIZE_SYNTAX, parseMemorySize } from '../common/memory-size.ts';

/** A value as it was written: text (numbers and booleans too), or what YAML can nest. */
export type RawValue = string | readonly string[] | Readonly<Record<string, string>>;

/** How the value of an option is read and shown. */
export interface OptionType<T> {
  readonly name: string;
  /** Completes "allowed: ..." in a message. */
  readonly allowed: string;
  /** `undefined` when the value is not allowed. */
  parse(raw: RawValue): T | undefined;
  format(value: T): string;
}

/** A type that is written as one word or number. */
const scalar = <T>(
  name: string,
  allowed: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string = String,
): OptionType<T> => ({
  name,
  allowed,
  parse: (raw) => (typeof raw === 'string' ? parse(raw.trim()) : undefined),
  format,
});

const refused = <T>(parse: () => T): T | undefined => {
  try {
    return parse();
  } catch {
    return undefined;
  }
};

/** Milliseconds. */
export const durationType: OptionType<number> = scalar(
  'duration',
  DURATION_SYNTAX,
  (text) => refused(() => parseDuration(text)),
  formatDuration,
);

/** Milliseconds; a bare number counts seconds, as the keys of Flink do that are numbers there. */
export const secondsType: OptionType<number> = scalar(
  'duration',
  `seconds, or ${DURATION_SYNTAX}`,
  (text) => refused(() => (/^\d+$/.test(text) ? parseDuration(`${text} s`) : parseDuration(text))),
  formatDuration,
);

/** Bytes. */
export const memoryType: OptionType<number> = scalar(
  'memory size',
  MEMORY_SIZE_SYNTAX,
  (text) => refused(() => parseMemorySize(text)),
  formatMemorySize,
);

/** A port, a range `50100-50110`, or several of both; 0 for any free one. */
export const portsType: OptionType<readonly number[]> = scalar(
  'ports',
  'ports and ranges divided by commas, such as 50100-50110, or 0 for any free one',
  portsOf,
  formatPorts,
);

export interface NumberLimits {
  readonly min?: number;
  readonly max?: number;
  /** `infinite` is a value too. */
  readonly infinite?: boolean;
  /** Other spellings of a number, such as Flink's -1 for "the default". */
  readonly aliases?: Readonly<Record<string, number>>;
}

const limitsText = ({ min, max, infinite }: NumberLimits): string => {
  const range =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? `, ${min} or more`
        : max !== undefined
          ? `, ${max} or less`
          : '';
  return infinite === true ? `${range}, or infinite` : range;
};

const withinLimits = (value: number, limits: NumberLimits): number | undefined =>
  value >= (limits.min ?? -Infinity) && value <= (limits.max ?? Infinity) ? value : undefined;

const numberType = (name: string, noun: string, syntax: RegExp, limits: NumberLimits): OptionType<number> =>
  scalar(
    name,
    `${noun}${limitsText(limits)}`,
    (text) => {
      const alias = limits.aliases?.[text];
      if (alias !== undefined) {
        return alias;
      }
      if (limits.infinite === true && /^inf(inite|inity)?$/i.test(text)) {
        return Infinity;
      }
      return syntax.test(text) ? withinLimits(Number(text), limits) : undefined;
    },
    (value) => (value === Infinity ? 'infinite' : String(value)),
  );

export const integerType = (limits: NumberLimits = {}): OptionType<number> =>
  numberType('integer', 'a whole number', /^[+-]?\d{1,15}$/, limits);

export const floatType = (limits: NumberLimits = {}): OptionType<number> =>
  numberType('number', 'a number', /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i, limits);

export const booleanType: OptionType<boolean> = scalar('boolean', 'true or false', (text) =>
  /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined,
);

export const stringType: OptionType<string> = {
  name: 'text',
  allowed: 'one value',
  parse: (raw) => (typeof raw === 'string' ? raw : undefined),
  format: (value) => value,
};

/** Parts divided by `/`; one in front, as in Flink's default, makes no other name. */
export const pathNameType: OptionType<string> = scalar('text', 'a name, or several divided by /', (text) => {
  const parts = text.split('/').filter((part) => part !== '');
  return parts.length === 0 ? undefined : parts.join('/');
});

/** Letter case does not count, nor whether a name is written with `-` or `_`. */
export const enumType = <const T extends string>(
  values: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
): OptionType<T> => {
  const simplified = (text: string): string => text.toLowerCase().replaceAll(/[-_]/g, '');
  const byName = new Map<string, T>([
    ...values.map((value) => [simplified(value), value] as const),
    ...Object.entries(synonyms).map(([name, value]) => [simplified(name), value] as const),
  ]);
  return scalar('enumeration', values.join(', '), (text) => byName.get(simplified(text)));
};

/** A YAML list, or words divided by `;` (Flink's way) or else by `,`. */
export const listType: OptionType<readonly string[]> = {
  name: 'list',
  allowed: 'a YAML list, or values divided by ; or ,',
  parse: (raw) => {
    if (typeof raw !== 'string') {
      return Array.isArray(raw) ? (raw as readonly string[]) : undefined;
    }
    const text = /^\s*\[(?<inside>.*)\]\s*$/s.exec(raw)?.groups?.['inside'] ?? raw;
    return text
      .split(text.includes(';') ? ';' : ',')
      .map((part) => unquoted(part.trim()))
      .filter((part) => part !== '');
  },
  format: (value) => value.join(';'),
};

/** A YAML map, `key.name: value` lines, or `name:value` pairs divided by `,`. */
export const mapType: OptionType<Readonly<Record<string, string>>> = {
  name: 'map',
  allowed: 'a YAML map, or name:value pairs divided by ,',
  parse: (raw) => {
    if (typeof raw !== 'string') {
      return Array.isArray(raw) ? undefined : (raw as Readonly<Record<string, string>>);
    }
    const text = /^\s*\{(?<inside>.*)\}\s*$/s.exec(raw)?.groups?.['inside'] ?? raw;
    const entries: [string, string][] = [];
    for (const pair of text.split(',').filter((part) => part.trim() !== '')) {
      const colon = pair.indexOf(':');
      if (colon <= 0) {
        return undefined;
      }
      entries.push([unquoted(pair.slice(0, colon).trim()), unquoted(pair.slice(colon + 1).trim())]);
    }
    return Object.fromEntries(entries);
  },
  format: (value) =>
    Object.entries(value)
      .map(([name, text]) => `${name}:${text}`)
      .join(','),
};

const unquoted = (text: string): string => /^(["'])(?<inside>.*)\1$/s.exec(text)?.groups?.['inside'] ?? text;

/** A value as one line, for tables and messages. */
export const rawText = (raw: RawValue): string =>
  typeof raw === 'string'
    ? raw
    : Array.isArray(raw)
      ? listType.format(raw as readonly string[])
      : mapType.format(raw as Readonly<Record<string, string>>);
