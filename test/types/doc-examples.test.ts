import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { examplesIn, moduleOf, type DocExample } from './doc-examples.ts';
import { typeErrorsOf } from './type-errors.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

const filesWithExamples = async (): Promise<readonly string[]> => [
  ...(await readdir(path.join(ROOT, 'src/pipeline/api')))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `src/pipeline/api/${name}`),
  ...(await readdir(path.join(ROOT, 'src/pipeline/connectors'), { recursive: true }))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `src/pipeline/connectors/${name}`),
  ...['counter', 'leader-latch', 'leader-retrieval', 'lock'].map(
    (name) => `src/coordination/zookeeper/recipes/${name}.ts`,
  ),
  'src/pipeline/operators/output-tag.ts',
  'src/testing/operator-harness.ts',
  'docs/datastream.md',
  'docs/zookeeper-client.md',
];

const projectOf = async (folder: string, examples: readonly DocExample[]): Promise<void> => {
  const at = (file: string): readonly string[] => [path.join(ROOT, file)];
  const tsconfig = {
    extends: path.join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [path.join(ROOT, 'node_modules/@types')],
      paths: {
        millrace: at('src/pipeline/api/index.ts'),
        'millrace/connectors/custom': at('src/pipeline/connectors/custom/index.ts'),
        'millrace/connectors/file': at('src/pipeline/connectors/file/index.ts'),
        'millrace/connectors/generator': at('src/pipeline/connectors/generator/index.ts'),
        'millrace/testing': at('src/testing/index.ts'),
        'millrace/zookeeper': at('src/coordination/zookeeper/client/index.ts'),
      },
    },
    include: ['*.mts'],
    exclude: [],
  };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  for (const [index, example] of examples.entries()) {
    await writeFile(path.join(folder, `example-${index}.mts`), moduleOf(example));
  }
};

it('every example of the DataStream API and the connectors compiles', async () => {
  const files = await filesWithExamples();
  const examples = (await Promise.all(files.map((file) => examplesIn(ROOT, file)))).flat();
  expect(examples.length).toBeGreaterThan(20);
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-doc-examples-'));
  try {
    await projectOf(folder, examples);
    const errors = await typeErrorsOf(path.join(folder, 'tsconfig.json'));
    const described = errors.map(({ file, line, text }) => {
      const example = examples[Number(/example-(\d+)\.mts$/.exec(file)?.[1] ?? -1)];
      return example === undefined ? `${file}:${line} ${text}` : `${example.file}:${example.line + line - 2} ${text}`;
    });
    expect(described).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
