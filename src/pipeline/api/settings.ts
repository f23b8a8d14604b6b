import { parseDuration, type Duration } from '../../foundation/common/duration.ts';
import { MillraceError } from '../../foundation/common/errors.ts';
import type { Option } from '../../foundation/config/option.ts';

/** One configuration value as text, as it would stand in a file. */
export interface Setting {
  readonly key: string;
  readonly value: string;
}

/** `value` as the setting of `option`, none where it is not given. */
export const setting = <T>(option: Option<T>, value: NonNullable<T> | undefined): readonly Setting[] => {
  if (value === undefined) {
    return [];
  }
  const text = option.type.format(value);
  if (option.type.parse(text) === undefined) {
    throw new MillraceError('BAD_OPTION', `${option.key} is ${String(value)}; allowed: ${option.type.allowed}`);
  }
  return [{ key: option.key, value: text }];
};

export const durationSetting = (
  option: Option<number> | Option<number | undefined>,
  value: Duration | undefined,
): readonly Setting[] =>
  setting(option as Option<number>, value === undefined ? undefined : parseDuration(value, option.key));
