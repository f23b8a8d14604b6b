import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The import table of docs/ARCHITECTURE.md, first match wins. Paths are prefixes below src/. */
const RULES: readonly { readonly folder: string; readonly may: readonly string[] }[] = [
  { folder: 'foundation/common', may: ['foundation/common'] },
  { folder: 'foundation/config', may: ['foundation/common', 'foundation/config'] },
  { folder: 'foundation/filesystem', may: ['foundation/common', 'foundation/config', 'foundation/filesystem'] },
  { folder: 'foundation/metrics', may: ['foundation/common', 'foundation/config', 'foundation/metrics'] },
  { folder: 'foundation/security', may: ['foundation/common', 'foundation/config', 'foundation/security'] },
  { folder: 'foundation/serialization', may: ['foundation/common', 'foundation/config', 'foundation/serialization'] },
  { folder: 'pipeline/graph', may: ['foundation', 'pipeline/graph'] },
  {
    folder: 'pipeline/operators',
    may: [
      'foundation',
      'pipeline/graph',
      'pipeline/operators',
      'runtime/state/keyed-state.ts',
      // The sink operator runs the writers that connectors make; both sides meet in these contract files.
      'pipeline/connectors/sink.ts',
      'pipeline/connectors/source.ts',
      'pipeline/connectors/transaction-name.ts',
    ],
  },
  {
    folder: 'pipeline/api',
    may: [
      'foundation',
      'pipeline/graph',
      'pipeline/operators',
      'pipeline/connectors',
      'pipeline/api',
      'runtime/state/keyed-state.ts',
    ],
  },
  { folder: 'pipeline/connectors', may: ['foundation', 'pipeline/graph', 'pipeline/operators', 'pipeline/connectors'] },
  {
    folder: 'runtime/protocol',
    may: ['foundation', 'pipeline/graph', 'runtime/checkpoint', 'runtime/state/state-handle.ts', 'runtime/protocol'],
  },
  { folder: 'runtime/rpc', may: ['foundation', 'runtime/rpc'] },
  { folder: 'runtime/network', may: ['foundation', 'runtime/network'] },
  { folder: 'runtime/state', may: ['foundation', 'runtime/state'] },
  { folder: 'runtime/checkpoint', may: ['foundation', 'runtime/state', 'runtime/checkpoint'] },
  {
    folder: 'coordination',
    may: ['foundation', 'pipeline/graph', 'runtime/protocol', 'runtime/checkpoint', 'coordination'],
  },
  {
    folder: 'runtime/jobmanager',
    may: [
      'foundation',
      'pipeline/graph',
      'runtime/protocol',
      'runtime/rpc',
      'runtime/checkpoint',
      'runtime/state/state-handle.ts',
      'coordination',
      'pipeline/connectors/source.ts',
      'runtime/jobmanager',
    ],
  },
  {
    folder: 'runtime/taskmanager',
    may: [
      'foundation',
      'pipeline',
      'runtime/protocol',
      'runtime/rpc',
      'runtime/network',
      'runtime/state',
      'runtime/checkpoint',
      'coordination/leader-retrieval.ts',
      'coordination/leadership.ts',
      'coordination/subscription.ts',
      'runtime/taskmanager',
    ],
  },
  {
    folder: 'interfaces',
    may: ['foundation', 'runtime/protocol', 'pipeline/api', 'pipeline/sql', 'interfaces'],
  },
  { folder: 'process', may: [''] },
  { folder: 'testing', may: [''] },
];

/** Implementations that share a contract never import each other, only what is there for all of them. */
const SIBLINGS = ['coordination', 'foundation/filesystem'];
const FOR_ALL = ['disk', 'records', 'storage'];

const source = join(import.meta.dirname, '..', 'src');

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
  .filter((file) => !/(-contract|-harness)\.ts$/.test(file) && !file.includes('/test-support/'))
  .map((file) => file.replaceAll('\\', '/'));

const importsOf = (file: string): string[] => {
  const text = readFileSync(join(source, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, target]) =>
    relative(source, resolve(dirname(join(source, file)), target!)).replaceAll('\\', '/'),
  );
};

const isBelow = (path: string, prefix: string): boolean =>
  prefix === '' || path === prefix || path.startsWith(`${prefix}/`);

describe('architecture', () => {
  test('every folder is in the table', () => {
    expect(files.filter((file) => !RULES.some(({ folder }) => isBelow(file, folder)))).toEqual([]);
  });

  test('nobody imports what the table does not allow', () => {
    const wrong = files.flatMap((file) => {
      const rule = RULES.find(({ folder }) => isBelow(file, folder));
      return importsOf(file)
        .filter((target) => !(rule?.may ?? []).some((prefix) => isBelow(target, prefix)))
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test('implementations of one contract do not know each other', () => {
    const wrong = files.flatMap((file) => {
      const parent = SIBLINGS.find((folder) => isBelow(file, folder));
      const own = parent === undefined ? undefined : file.slice(parent.length + 1).split('/');
      if (parent === undefined || own === undefined || own.length < 2) {
        return [];
      }
      return importsOf(file)
        .filter((target) => isBelow(target, parent) && target.slice(parent.length + 1).includes('/'))
        .filter((target) => {
          const other = target.slice(parent.length + 1).split('/')[0]!;
          return other !== own[0] && !FOR_ALL.includes(other);
        })
        .map((target) => `${file} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test('files have kebab-case names that say what is in them', () => {
    const drawers = /^(utils?|helpers?|types|misc|common|constants)\.ts$/;
    const wrong = files.filter((file) => {
      const name = file.split('/').at(-1)!;
      return !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name) || drawers.test(name);
    });
    expect(wrong).toEqual([]);
  });

  test('index.ts stands at public entries only', () => {
    const { exports } = JSON.parse(readFileSync(join(source, '..', 'package.json'), 'utf8')) as {
      readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
    };
    const entries = Object.values(exports).flatMap((entry) =>
      typeof entry === 'string' ? [] : [entry.default.replace('./dist/', '').replace('.js', '.ts')],
    );
    expect(files.filter((file) => file.endsWith('index.ts') && !entries.includes(file))).toEqual([]);
  });
});
