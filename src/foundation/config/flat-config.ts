import type { ConfigEntry } from './configuration.ts';
import type { ParsedConfig } from './yaml-config.ts';

/**
 * Reads `flink-conf.yaml`, which is not YAML: lines of `key: value`, a `#` starts a comment wherever it stands, the
 * value is the rest of the line as it is. A key that comes again replaces the first.
 */
export const parseFlatConfig = (text: string, file: string): ParsedConfig => {
  const entries = new Map<string, ConfigEntry>();
  const warnings: string[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const origin = `${file}:${index + 1}`;
    const content = (line.split('#', 1)[0] ?? '').trim();
    if (content === '') {
      return;
    }
    const colon = content.indexOf(': ');
    const key = content.slice(0, colon).trim();
    const value = content.slice(colon + 2).trim();
    if (colon <= 0 || key === '' || value === '') {
      warnings.push(`${origin}: expected "key: value" (a colon and a space); the line is ignored`);
      return;
    }
    const other = entries.get(key);
    if (other !== undefined) {
      warnings.push(`${key} is set twice: ${origin} counts, not ${other.origin}`);
    }
    entries.set(key, { key, value, origin });
  });
  return { entries: [...entries.values()], warnings };
};
