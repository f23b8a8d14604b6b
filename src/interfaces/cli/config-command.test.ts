import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configCommand, formatTable } from './config-command.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-command-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('config list --origin shows where values come from', () => {
  writeFileSync(join(folder, 'config.yaml'), 'parallelism.default: 4\nparalelism: 1\n');
  const { text, notes } = configCommand(
    ['list', '--origin', '--config', folder, '-Dpipeline.name=x', '-D', 'io.tmp.dirs=/a'],
    {
      MILLRACE_CONF_EXECUTION_CHECKPOINTING_INTERVAL: '10000',
    },
  );
  const lines = text.split('\n').map((line) => line.split(/ {2,}/));
  expect(lines[0]).toEqual(['key', 'value', 'origin']);
  expect(lines).toContainEqual(['parallelism.default', '4', `${folder}/config.yaml:1`]);
  expect(lines).toContainEqual(['pipeline.name', 'x', '-D']);
  expect(lines).toContainEqual(['io.tmp.dirs', '/a', '-D']);
  expect(lines).toContainEqual([
    'execution.checkpointing.interval',
    '10 s',
    'MILLRACE_CONF_EXECUTION_CHECKPOINTING_INTERVAL',
  ]);
  expect(notes).toEqual([
    `configuration file: ${folder}/config.yaml`,
    `warning: unknown key paralelism (${folder}/config.yaml:2)`,
  ]);
});

test('config list --changed shows the defaults that differ', () => {
  writeFileSync(join(folder, 'config.yaml'), '');
  const { text } = configCommand(['list', '--changed', '--config', folder], {});
  expect(text).toMatch(/^key +Flink +here +reason\n/);
  expect(text).toMatch(/\nheartbeat\.timeout +50 s +6 s +a frozen process is noticed in seconds\n/);
});

test('other verbs and options are refused', () => {
  expect(() => configCommand(['show'], {})).toThrow('expected config list');
  expect(() => configCommand([], {})).toThrow('expected config list');
  expect(() => configCommand(['list', '--orign'], {})).toThrow('--orign');
});

test('formatTable aligns columns', () => {
  expect(
    formatTable({
      header: ['a', 'b'],
      rows: [
        ['long', 'x'],
        ['y', ''],
      ],
    }),
  ).toBe('a     b\nlong  x\ny');
});
