import type { Configuration } from './configuration.ts';
import { ALL_OPTIONS, environmentName, isSecret } from './option-registry.ts';
import { mapType, rawText } from './option-type.ts';

const secretMaps = ALL_OPTIONS.filter((option) => option.type === mapType && isSecret(option.key));

/** Values that no list of processes may show, as variables of the environment. */
export const secretsOf = (configuration: Configuration): Readonly<Record<string, string>> => {
  // One that is written key by key has no variable for each of its keys.
  const maps = secretMaps.flatMap((option) => configuration.entry(option) ?? []);
  const isPart = (key: string): boolean => secretMaps.some((option) => key.startsWith(`${option.key}.`));
  return Object.fromEntries(
    [...configuration.entries().filter(({ key }) => isSecret(key) && !isPart(key)), ...maps].map(({ key, value }) => [
      environmentName(key),
      rawText(value),
    ]),
  );
};
