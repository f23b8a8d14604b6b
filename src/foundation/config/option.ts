import { assert } from '../common/assert.ts';
import type { OptionType } from './option-type.ts';

/** One setting, as data: everything that reads, checks, lists and documents options goes by this. */
export interface Option<T> {
  readonly key: string;
  /** Old names, Flink's included. */
  readonly deprecatedKeys: readonly string[];
  /** What people write although no Flink ever had such a key. It is read, and answered with the right one. */
  readonly otherSpellings: readonly string[];
  /** Other options whose value counts where this one has none. */
  readonly fallbackKeys: readonly string[];
  readonly type: OptionType<NonNullable<T>>;
  readonly default: T;
  /** The default as people write it; `none` without one. */
  readonly defaultText: string;
  readonly description: string;
  /** Where the default is not Flink's, and why. */
  readonly differs: DefaultDifference | undefined;
  /** Flink has a key of this name. */
  readonly isFlink: boolean;
  /** `false`: known, so that a Flink configuration is read without complaint, but nothing reads it yet. */
  readonly isUsed: boolean;
}

/** An option of any type, for lists of them. */
export type AnyOption = Option<unknown>;

export interface DefaultDifference {
  readonly flink: string;
  readonly here: string;
  /** Empty where the other row of the pair says it. */
  readonly reason: string;
}

interface OptionTexts {
  readonly key: string;
  readonly description: string;
  readonly deprecatedKeys?: readonly string[];
  readonly otherSpellings?: readonly string[];
  readonly fallbackKeys?: readonly string[];
  readonly differs?: DefaultDifference;
  /** What the default is in words, where it depends on something. */
  readonly defaultText?: string;
  readonly isFlink?: boolean;
  readonly isUsed?: boolean;
}

/** All keys that set an option; where several stand side by side, the first of them counts. */
export const namesOf = ({ key, deprecatedKeys, otherSpellings }: AnyOption): readonly string[] => [
  key,
  ...deprecatedKeys,
  ...otherSpellings,
];

/** An option; its default is written as a user would write it. */
export function option<T>(type: OptionType<T>, texts: OptionTexts & { readonly default: string }): Option<T>;
export function option<T>(type: OptionType<T>, texts: OptionTexts): Option<T | undefined>;
export function option<T>(
  type: OptionType<T>,
  texts: OptionTexts & { readonly default?: string },
): Option<T | undefined> {
  const parsed = texts.default === undefined ? undefined : type.parse(texts.default);
  assert(texts.default === undefined || parsed !== undefined, `the default of ${texts.key} is not allowed`);
  return {
    key: texts.key,
    deprecatedKeys: texts.deprecatedKeys ?? [],
    otherSpellings: texts.otherSpellings ?? [],
    fallbackKeys: texts.fallbackKeys ?? [],
    type: type as OptionType<NonNullable<T>>,
    default: parsed,
    defaultText: texts.defaultText ?? texts.default ?? 'none',
    description: texts.description,
    differs: texts.differs,
    isFlink: texts.isFlink ?? true,
    isUsed: texts.isUsed ?? true,
  };
}
