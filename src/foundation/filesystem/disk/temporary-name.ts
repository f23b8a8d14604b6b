import type { Random } from '../../common/random.ts';

const PATTERN = /^\.(.+)\.[0-9a-f]{12}\.tmp$/;

/** The hidden name beside `name` that a file has until it is complete. */
export const temporaryName = (name: string, random: Random): string => `.${name}.${random.hex(12)}.tmp`;

/** The name that a temporary file was to get, when `name` is one that a crash left behind. */
export const targetOfTemporaryName = (name: string): string | undefined => PATTERN.exec(name)?.[1];
