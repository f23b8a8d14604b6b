import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Configuration } from '../configuration.ts';
import { parseFlatConfig } from '../flat-config.ts';
import { parseYamlConfig } from '../yaml-config.ts';
import { findingsOf } from './all-findings.ts';
import { FINDING_CODES } from './finding.ts';
import { CHECK_CASES } from './test-support/check-cases.ts';
import { type Setup, SOUND } from './test-support/check-setup.ts';
import { factsOf } from './test-support/facts-of.ts';

/** Of texts that cannot be read, which the command itself finds. */
const OF_THE_COMMAND: readonly string[] = ['UNCLEAR_SETTING', 'UNREADABLE_CONFIGURATION'];

/** Keys of ZooKeeper have no effect as long as this version has none. */
const codesOf = (setup: Setup): readonly string[] => findingsOf(factsOf(setup)).map(({ code }) => code);

test('every code has a case', () => {
  expect(new Set([...CHECK_CASES.map(({ code }) => code), ...OF_THE_COMMAND])).toEqual(new Set(FINDING_CODES));
});

test('every code is in the documentation, with its levels', () => {
  const text = readFileSync(new URL('../../../../docs/config-check.md', import.meta.url), 'utf8');
  const documented = text.split('\n').flatMap((line) => {
    const [codes = '', levels = ''] = line.split('|').slice(1);
    return [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, levels.trim().split(', ')] as const);
  });
  expect(documented).toHaveLength(FINDING_CODES.length);
  expect(new Set(documented.map(([code]) => code))).toEqual(new Set(FINDING_CODES));
  for (const { code, level } of CHECK_CASES) {
    expect([code, Object.fromEntries(documented)[code]]).toEqual([code, expect.arrayContaining([level])]);
  }
});

describe.each(CHECK_CASES)('$code ($level): $what', ({ code, level, found, origin, says, notFound }) => {
  test('is found', () => {
    const findings = findingsOf(factsOf(found)).filter((finding) => finding.code === code && finding.level === level);
    expect(findings.map((finding) => finding.origin)).toContain(origin);
    const finding = findings.find((each) => each.origin === origin && each.message.includes(says));
    expect(finding?.message ?? findings.map(({ message }) => message)).toContain(says);
    expect(finding?.wayOut).not.toBe('');
  });

  test('is not found where nothing is wrong', () => {
    expect(findingsOf(factsOf(notFound)).filter((finding) => finding.code === code && finding.level === level)).toEqual(
      [],
    );
  });
});

test('of a sound set-up nothing is said', () => {
  expect(codesOf(SOUND).filter((code) => code !== 'KEY_WITHOUT_EFFECT')).toEqual([]);
  expect(codesOf({})).toEqual([]);
});

test('two JobManagers are never worth a word', () => {
  for (const masters of [
    ['a', 'b'],
    ['a', 'b', 'c'],
  ]) {
    expect(codesOf({ ...SOUND, masters })).not.toContain('MANY_JOBMANAGERS');
  }
});

test('the gravest comes first', () => {
  const setup: Setup = { config: ['high-availability: zookeeper', 'parallelism.defalt: 2'], masters: ['a'] };
  const levels = findingsOf(factsOf(setup)).map(({ level }) => level);
  expect(levels).toEqual(
    [...levels].toSorted((a, b) => ['error', 'risk', 'hint'].indexOf(a) - ['error', 'risk', 'hint'].indexOf(b)),
  );
  expect(new Set(levels)).toEqual(new Set(['error', 'risk', 'hint']));
});

describe('no false alarm on the examples of the handbook', () => {
  const places = {
    'high-availability.storageDir': 'shared',
    'execution.checkpointing.dir': 'shared',
  } as const;
  test.each([
    ['a.yaml', []],
    ['a.nested.yaml', []],
    ['b.yaml', []],
    ['e.yaml', []],
    // A folder below /tmp is what is wrong with it.
    ['c.yaml', ['STORAGE_TEMPORARY']],
    ['c.nested.yaml', ['STORAGE_TEMPORARY']],
    ['d.yaml', []],
    ['d.nested.yaml', []],
  ])('%s', (name, expected) => {
    const text = readFileSync(new URL(`../fixtures/handbook/${name}`, import.meta.url), 'utf8');
    const servers = ['zk1:2181', 'zk2:2181', 'zk3:2181'].map((server) => [server] as const);
    for (const parse of name.includes('nested') || name === 'e.yaml'
      ? [parseYamlConfig]
      : [parseYamlConfig, parseFlatConfig]) {
      const findings = findingsOf({
        ...factsOf({
          servers,
          places: name.startsWith('c.') ? { 'high-availability.storageDir': 'temporary' } : places,
        }),
        configuration: Configuration.empty.with(parse(text, name).entries),
      });
      expect(findings.filter(({ level }) => level !== 'hint').map(({ code }) => code)).toEqual(expected);
    }
  });
});
