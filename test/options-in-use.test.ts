import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { AnyOption } from '../src/foundation/config/option.ts';
import { ALL_OPTIONS } from '../src/foundation/config/option-registry.ts';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const OPTIONS = join(SRC, 'foundation/config/options');
/** Whoever only says what a value means, or what is wrong with it, does nothing with it. */
const TALKERS = ['foundation/config/check', 'foundation/config/explain', 'process/config-check'].map((folder) =>
  join(SRC, folder),
);

/** Options with an effect although no code names them. */
const WITHOUT_READER: Readonly<Record<string, string>> = {
  'taskmanager.data.port': 'taskmanager.data.bind-port falls back to it',
  'taskmanager.rpc.port': 'taskmanager.rpc.bind-port falls back to it',
  'state.backend.type': 'there is one value only',
  'security.ssl.internal.keystore-password': 'security.ssl.internal.key-password falls back to it',
  'security.ssl.internal.truststore-password': 'documented as being without effect',
};

const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => join(SRC, name))
  .filter((path) => ![OPTIONS, ...TALKERS].some((folder) => path.startsWith(folder)))
  .map((path) => readFileSync(path, 'utf8'));

/** `jobManagerOptions.heap`, also under another name of the group, or `heap` taken out of it in the same file. */
const isRead = (group: string, name: string): boolean =>
  sources.some((text) => {
    const alias = new RegExp(`const (?<alias>\\w+) = ${group};`).exec(text)?.groups?.['alias'] ?? group;
    const taken = new RegExp(`\\{(?<names>[^{}]*)\\}\\s*=\\s*${group}\\b`).exec(text)?.groups?.['names'] ?? '';
    return new RegExp(`\\b(?:${group}|${alias})\\.${name}\\b`).test(text) || new RegExp(`\\b${name}\\b`).test(taken);
  });

const groups = await Promise.all(
  readdirSync(OPTIONS).map((file) => import(join(OPTIONS, file)) as Promise<Record<string, Record<string, AnyOption>>>),
);
const named = groups.flatMap((module) =>
  Object.entries(module).flatMap(([group, options]) =>
    Object.entries(options).map(([name, option]) => ({ group, name, option })),
  ),
);

test('every option of the registry is looked at', () => {
  expect(new Set(named.map(({ option }) => option))).toEqual(new Set(ALL_OPTIONS));
});

test.each(named)(
  '$option.key is marked as having an effect if, and only if, something reads it',
  ({ group, name, option }) => {
    const hasEffect = isRead(group, name) || option.key in WITHOUT_READER;
    expect(option.isUsed).toBe(hasEffect);
  },
);
