import { ALL_OPTIONS, environmentName, meaningOf } from '../option-registry.ts';
import type { AnyOption } from '../option.ts';
import { EXPLAIN_TEXTS } from './explain-texts.ts';

export interface Explanation {
  readonly key: string;
  readonly what: string;
  readonly required: string;
  readonly recommended: string;
  readonly ifNotSet: string;
  readonly ssd: string;
  readonly default: string;
  readonly oldNames: readonly string[];
  readonly otherSpellings: readonly string[];
}

export const explanationOf = (option: AnyOption): Explanation => {
  const text = EXPLAIN_TEXTS.get(option.key) ?? {};
  const hasDefault = option.defaultText !== 'none';
  return {
    key: option.key,
    what: text.what ?? plain(option.description),
    required: text.required ?? 'no',
    recommended: text.recommended ?? (hasDefault ? 'the default' : 'nothing in general'),
    ifNotSet: text.ifNotSet ?? (hasDefault ? `the default counts: ${plain(option.defaultText)}` : 'there is no value'),
    ssd: text.ssd ?? 'no effect',
    default: plain(option.defaultText),
    oldNames: option.deprecatedKeys,
    otherSpellings: option.otherSpellings,
  };
};

/** What is known of a key that somebody wrote. */
export type KeyExplanation =
  | {
      readonly kind: 'options';
      /** What the key itself is, where it is not the right one. */
      readonly note: string | undefined;
      /** For each option a line of `[what it is about, text]`. */
      readonly options: readonly (readonly (readonly [string, string])[])[];
    }
  | { readonly kind: 'without-effect'; readonly text: string }
  | { readonly kind: 'unknown'; readonly nearest: string | undefined };

/** All that `millrace config explain` says of a key; letter case does not count. */
export const explainKey = (written: string): KeyExplanation => {
  const key = ALL_OPTIONS.find((option) => option.key.toLowerCase() === written.toLowerCase())?.key ?? written;
  const meaning = meaningOf(key);
  switch (meaning.kind) {
    case 'unknown':
      return { kind: 'unknown', nearest: meaning.nearest };
    case 'flink':
      return { kind: 'without-effect', text: `${key} is a key of Flink, which has no effect in Millrace yet.` };
    case 'option': {
      const keys = meaning.options.map((option) => option.key).join(' and ');
      const note = meaning.isDeprecated
        ? `${key} is an old name of ${keys}.`
        : meaning.isOtherSpelling
          ? `${key} is not a Flink key, read as ${keys}.`
          : undefined;
      return { kind: 'options', note, options: meaning.options.map(linesOf) };
    }
  }
};

const linesOf = (option: AnyOption): readonly (readonly [string, string])[] => {
  const explanation = explanationOf(option);
  const detail = plain(option.description);
  const lines: (readonly [string, string | undefined])[] = [
    ['key', option.key],
    ['what it does', explanation.what],
    ['in detail', detail === explanation.what ? undefined : detail],
    ['required', explanation.required],
    ['recommended', explanation.recommended],
    ['if not set', explanation.ifNotSet],
    ['SSD', explanation.ssd],
    ['default', explanation.default],
    ["Flink's default", option.differs === undefined ? undefined : differenceOf(option.differs)],
    ['allowed', option.type.allowed],
    ['old names', explanation.oldNames.length === 0 ? 'none' : explanation.oldNames.join(', ')],
    [
      'also read',
      explanation.otherSpellings.length === 0
        ? undefined
        : `${explanation.otherSpellings.join(', ')} (never keys of Flink)`,
    ],
    ['falls back to', option.fallbackKeys.length === 0 ? undefined : option.fallbackKeys.join(', ')],
    ['environment', environmentName(option.key)],
    ['in Flink', option.isFlink ? undefined : 'there is no such key'],
    ['effect', option.isUsed ? undefined : 'none yet: this version only knows the key'],
  ];
  return lines.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
};

const differenceOf = ({ flink, reason }: NonNullable<AnyOption['differs']>): string =>
  reason === '' ? plain(flink) : `${plain(flink)}; it differs because: ${plain(reason)}`;

/** Descriptions are written for the documentation. */
const plain = (text: string): string => text.replaceAll('`', '');
