import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { MillraceError } from '../common/errors.ts';
import type { ConfigEntry } from './configuration.ts';

export interface ParsedConfig {
  readonly entries: readonly ConfigEntry[];
  readonly warnings: readonly string[];
}

/**
 * Reads `config.yaml`: nested maps and keys with dots mean the same. Values are kept as they are written (`1.10` stays
 * `1.10`), since the option that reads them knows better than YAML what they are.
 */
export const parseYamlConfig = (text: string, file: string): ParsedConfig => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new MillraceError('BAD_OPTION', `${file}:${line}:${col}: ${error.message}`);
  }
  const walk = new YamlWalk(document, lines, file);
  if (document.contents !== null) {
    walk.visit('', document.contents);
  }
  return { entries: [...walk.entries.values()], warnings: walk.warnings };
};

class YamlWalk {
  readonly entries = new Map<string, ConfigEntry>();
  readonly warnings: string[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #file: string;

  constructor(document: Document, lines: LineCounter, file: string) {
    this.#document = document;
    this.#lines = lines;
    this.#file = file;
  }

  visit(key: string, written: unknown, keyNode?: unknown): void {
    const node = isAlias(written) ? written.resolve(this.#document) : written;
    const origin = this.#origin(keyNode ?? written);
    if (isMap(node)) {
      for (const pair of node.items) {
        const name = isScalar(pair.key) ? String(pair.key.value) : undefined;
        if (name === undefined) {
          throw new MillraceError('BAD_OPTION', `${origin}: a key must be a word`);
        }
        this.visit(key === '' ? name : `${key}.${name}`, pair.value, pair.key);
      }
      return;
    }
    if (key === '') {
      if (isScalar(node) && node.value === null) {
        return;
      }
      throw new MillraceError('BAD_OPTION', `${origin}: expected "key: value" lines`);
    }
    if (isSeq(node)) {
      this.#add({ key, value: node.items.map((item) => this.#text(key, item, origin)), origin });
    } else if (node === null || node === undefined || (isScalar(node) && node.value === null)) {
      this.warnings.push(`${key} has no value (${origin}); it is ignored`);
    } else {
      this.#add({ key, value: this.#text(key, node, origin), origin });
    }
  }

  #text(key: string, written: unknown, origin: string): string {
    const node = isAlias(written) ? written.resolve(this.#document) : written;
    if (!isScalar(node)) {
      throw new MillraceError('BAD_OPTION', `${key} (${origin}) is a list of lists or maps; allowed: a list of values`);
    }
    return node.type === 'PLAIN' && node.source !== undefined ? node.source : String(node.value);
  }

  #add(entry: ConfigEntry): void {
    const other = this.entries.get(entry.key);
    if (other !== undefined) {
      throw new MillraceError('BAD_OPTION', `${entry.key} is set twice: ${other.origin} and ${entry.origin}`);
    }
    this.entries.set(entry.key, entry);
  }

  #origin(node: unknown): string {
    const offset = (node as Node | null)?.range?.[0];
    return offset === undefined ? this.#file : `${this.#file}:${this.#lines.linePos(offset).line}`;
  }
}
