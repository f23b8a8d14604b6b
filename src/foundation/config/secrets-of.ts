import type { Configuration } from './configuration.ts';
import { environmentName, isSecret } from './option-registry.ts';
import { rawText } from './option-type.ts';

/** Values that no list of processes may show, as variables of the environment. */
export const secretsOf = (configuration: Configuration): Readonly<Record<string, string>> =>
  Object.fromEntries(
    configuration
      .entries()
      .filter(({ key }) => isSecret(key))
      .map(({ key, value }) => [environmentName(key), rawText(value)]),
  );
