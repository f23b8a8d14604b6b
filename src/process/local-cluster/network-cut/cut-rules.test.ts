import { expect, test } from 'vitest';
import { cutRules } from './cut-rules.ts';

const OF = { table: 'drill_1', group: 'system.slice/drill_1', groupLevel: 2, limitMs: 12_001 };

test('whatever tells whom to cut off is forgotten by itself after a while', () => {
  const rules = cutRules({ ...OF, ports: [8081, 6123], pairs: [[50_001, 6123]] });
  expect(rules).toContain(
    'set ports { type inet_service; flags timeout; elements = { 8081 timeout 13s, 6123 timeout 13s } }',
  );
  expect(rules).toContain('elements = { 50001 . 6123 timeout 13s } }');
  expect(rules).toContain('elements = { "system.slice/drill_1" timeout 13s } }');
  const dropping = rules.split('\n').filter((line) => line.includes('drop'));
  expect(dropping).toHaveLength(5);
  expect(
    dropping.filter((line) => !/@(ports|connections|groups) drop$/.test(line)),
    'without a set',
  ).toEqual([]);
  expect(rules).not.toContain('reject');
});

test('packets of the process are dropped in both directions, those of others between the same ports are not', () => {
  const [, arriving, leaving] = cutRules({ ...OF, ports: [8081], pairs: [[50_001, 6123]] }).split(/chain \w+ /);
  expect(arriving).toMatch(/hook input .*\n *tcp dport @ports drop\n *tcp dport \. tcp sport @connections drop\n/);
  expect(leaving).toMatch(/hook output .*\n *tcp sport @ports drop\n *tcp sport \. tcp dport @connections drop\n/);
  expect(leaving).toContain('meta l4proto tcp socket cgroupv2 level 2 @groups drop');
});

test('with nobody to cut off there are the rules alone, to see whether the kernel takes them', () => {
  expect(cutRules({ ...OF, group: undefined, ports: [], pairs: [] })).not.toContain('elements');
});
