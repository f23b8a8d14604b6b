import { MillraceError } from '../common/errors.ts';
import { ALL_OPTIONS, HIDDEN_VALUE, isSecret } from './option-registry.ts';
import { mapType, rawText, type RawValue } from './option-type.ts';
import { type AnyOption, namesOf, type Option } from './option.ts';

/** One value that somebody set, under the key they wrote. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: RawValue;
  /** For people: `conf/config.yaml:12`, `-D`, `MILLRACE_CONF_...`. */
  readonly origin: string;
}

interface RankedEntry extends ConfigEntry {
  readonly rank: number;
}

/** What is set, in layers: a later layer wins over an earlier one, whichever of an option's names each uses. */
export class Configuration {
  static readonly empty = new Configuration([], 0);

  readonly #byKey: ReadonlyMap<string, RankedEntry>;
  readonly #rank: number;

  private constructor(entries: Iterable<RankedEntry>, rank: number) {
    this.#byKey = new Map([...entries].map((entry) => [entry.key, entry]));
    this.#rank = rank;
  }

  /** A configuration of plain values, such as a job's settings. */
  static of(values: Readonly<Record<string, string | number | boolean | undefined>>, origin = 'code'): Configuration {
    return Configuration.empty.with(values, origin);
  }

  /** This configuration under one more layer; `undefined` values set nothing. */
  with(
    layer: Readonly<Record<string, string | number | boolean | undefined>> | readonly ConfigEntry[],
    origin = 'code',
  ): Configuration {
    const entries: readonly ConfigEntry[] = isEntries(layer)
      ? layer
      : Object.entries(layer).flatMap(([key, value]) =>
          value === undefined ? [] : [{ key, value: String(value), origin }],
        );
    const rank = this.#rank + 1;
    return new Configuration([...this.#byKey.values(), ...entries.map((entry) => ({ ...entry, rank }))], rank);
  }

  /** The value, else the default. Errors: BAD_OPTION naming key, value, origin and what is allowed. */
  get<T>(option: Option<T>): T {
    const entry = this.entry(option);
    if (entry === undefined) {
      return option.default;
    }
    const value = option.type.parse(entry.value);
    if (value === undefined) {
      throw new MillraceError('BAD_OPTION', badValueMessage(option, entry));
    }
    return value;
  }

  isSet(option: AnyOption): boolean {
    return this.entry(option) !== undefined;
  }

  /** Where the option's value comes from; `default` when nobody set it. */
  origin(option: AnyOption): string {
    return this.entry(option)?.origin ?? 'default';
  }

  /** What counts for this option: its own key, an old name or another spelling, else the options it falls back to. */
  entry(option: AnyOption): ConfigEntry | undefined {
    return this.#strongest(namesOf(option)) ?? this.#mapEntry(option) ?? this.#strongest(option.fallbackKeys);
  }

  /** Entries of the same layer under several names of one option; the first counts. */
  namesakes(option: AnyOption): readonly ConfigEntry[] {
    const found = namesOf(option).flatMap((key) => this.#byKey.get(key) ?? []);
    const rank = Math.max(...found.map((entry) => entry.rank));
    return found.filter((entry) => entry.rank === rank);
  }

  /** All that is set, as written. */
  entries(): readonly ConfigEntry[] {
    return [...this.#byKey.values()];
  }

  /** All that is set as text, under current keys: `Configuration.of` makes the same configuration of it. */
  toRecord(): Readonly<Record<string, string>> {
    const record: Record<string, string> = {};
    const read = new Set<string>();
    for (const option of ALL_OPTIONS) {
      const names = namesOf(option);
      names.forEach((name) => read.add(name));
      const entry = this.#strongest(names);
      if (entry !== undefined) {
        record[option.key] = rawText(entry.value);
      }
    }
    for (const entry of this.#byKey.values()) {
      if (!read.has(entry.key)) {
        record[entry.key] = rawText(entry.value);
      }
    }
    return record;
  }

  /** The entry of the last layer; within one layer the first of `keys`. */
  #strongest(keys: readonly string[]): RankedEntry | undefined {
    let best: RankedEntry | undefined;
    for (const key of keys) {
      const entry = this.#byKey.get(key);
      if (entry !== undefined && (best === undefined || entry.rank > best.rank)) {
        best = entry;
      }
    }
    return best;
  }

  /** A map may be written as one key for each of its names. */
  #mapEntry(option: AnyOption): ConfigEntry | undefined {
    if (option.type !== mapType) {
      return undefined;
    }
    const prefix = `${option.key}.`;
    const parts = [...this.#byKey.values()].filter((entry) => entry.key.startsWith(prefix));
    const last = parts.at(-1);
    return last === undefined
      ? undefined
      : {
          key: option.key,
          value: Object.fromEntries(parts.map((entry) => [entry.key.slice(prefix.length), rawText(entry.value)])),
          origin: last.origin,
        };
  }
}

const isEntries = (layer: object): layer is readonly ConfigEntry[] => Array.isArray(layer);

export const badValueMessage = (option: AnyOption, entry: ConfigEntry): string => {
  const shown = isSecret(entry.key) ? HIDDEN_VALUE : JSON.stringify(rawText(entry.value));
  return `${entry.key} is ${shown} (${entry.origin}); allowed: ${option.type.allowed}`;
};
