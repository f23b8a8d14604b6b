import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planCollection, planRetention } from './retention.ts';

const R = '0123456789abcdef';
const shared = (id: number, tag = 's'): string => `shared/${tag}-${id}-${R}`;
const own = (id: number, tag = 's'): string => `chk-${id}/${tag}-${id}-${R}`;
const none = new Set<number>();

describe('retention', () => {
  test('keeps the newest, in whatever order they come', () => {
    const completed = [5, 7, 6].map((checkpointId) => ({ checkpointId, files: [own(checkpointId)] }));
    expect(planRetention({ completed, numRetained: 2, held: none })).toEqual({
      checkpoints: [5],
      files: [own(5)],
      folders: ['chk-5'],
    });
    expect(planRetention({ completed, numRetained: 3, held: none })).toEqual({
      checkpoints: [],
      files: [],
      folders: [],
    });
    expect(planRetention({ completed: [], numRetained: 1, held: none }).checkpoints).toEqual([]);
  });

  test('keeps the base of a pending checkpoint with its files', () => {
    const completed = [5, 6].map((checkpointId) => ({
      checkpointId,
      files: [own(checkpointId), shared(checkpointId)],
    }));
    expect(planRetention({ completed, numRetained: 1, held: new Set([5]) }).checkpoints).toEqual([]);
  });

  test('keeps files that a retained checkpoint refers to, also in the folder of one that goes', () => {
    const completed = [
      { checkpointId: 5, files: [shared(4), shared(5), own(5), own(5, 'odd')] },
      { checkpointId: 6, files: [shared(5), own(5, 'odd'), own(6)] },
    ];
    expect(planRetention({ completed, numRetained: 1, held: none }).files).toEqual([shared(4), own(5)]);
  });

  test('leaves alone what is not named as a data file, or with an id that is too new', () => {
    const files = [
      'shared/foreign',
      'elsewhere/s-1-0123456789abcdef',
      shared(6),
      shared(9),
      `chk-6/s-5-${R}`,
      shared(5),
    ];
    const completed = [
      { checkpointId: 5, files },
      { checkpointId: 6, files: [] },
    ];
    expect(planRetention({ completed, numRetained: 1, held: none }).files).toEqual([shared(5)]);
  });
});

describe('collection', () => {
  const kept = [
    { checkpointId: 6, files: [shared(3), own(6)] },
    { checkpointId: 8, files: [shared(3), shared(8)] },
  ];

  test('takes older files that nothing refers to, and checkpoints that nothing points to', () => {
    const present = [
      ...[shared(3), shared(8), own(6), 'chk-6/_metadata', 'chk-8/_metadata'],
      ...[shared(2), shared(7), own(6, 'orphan'), own(5), 'chk-5/_metadata', own(7)],
    ];
    expect(planCollection({ kept, present })).toEqual({
      checkpoints: [5],
      files: [shared(2), shared(7), own(6, 'orphan'), own(5), own(7)],
      folders: ['chk-5', 'chk-7'],
    });
  });

  test('takes what a crash left under a temporary name', () => {
    const temporary = (folder: string, name: string): string => `${folder}/.${name}.0123456789ab.tmp`;
    const old = [temporary('shared', `s-7-${R}`), temporary('chk-7', '_metadata')];
    const young = [temporary('shared', `s-8-${R}`), temporary('chk-9', '_metadata'), temporary('shared', 'foreign')];
    expect(planCollection({ kept, present: [...old, ...young] }).files).toEqual(old);
  });

  test('takes nothing that is as new as the newest checkpoint, nor anything unknown', () => {
    const present = [shared(8, 'x'), shared(9), own(8, 'x'), own(9), 'chk-9/_metadata'];
    const unknown = [
      'shared/readme',
      'chk-x/s-1-0123456789abcdef',
      'chk-5/sub/s-5-0123456789abcdef',
      'notes',
      'chk-5/notes',
    ];
    const plan = planCollection({ kept, present: [...present, ...unknown] });
    expect([plan.checkpoints, plan.files]).toEqual([[], []]);
    expect(planCollection({ kept: [], present: [shared(1), 'chk-1/_metadata'] }).files).toEqual([]);
  });
});

test('no plan ever names a file that a kept or held checkpoint refers to, or a new one', () => {
  const path = fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 12 }), fc.constantFrom('a', 'b'))
    .map(([isShared, id, tag]) => (isShared ? shared(id, tag) : own(id, tag)));
  const checkpoints = fc.uniqueArray(
    fc.record({ checkpointId: fc.integer({ min: 1, max: 12 }), files: fc.array(path, { maxLength: 5 }) }),
    { selector: ({ checkpointId }) => checkpointId, maxLength: 8 },
  );
  fc.assert(
    fc.property(
      checkpoints,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 1, max: 12 })),
      fc.array(path),
      (completed, numRetained, held, present) => {
        const plan = planRetention({ completed, numRetained, held: new Set(held) });
        const newest = Math.max(0, ...completed.map(({ checkpointId }) => checkpointId));
        const kept = completed.filter(({ checkpointId }) => !plan.checkpoints.includes(checkpointId));
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(numRetained, completed.length));
        expect(completed.length === 0 || kept.some(({ checkpointId }) => checkpointId === newest)).toBe(true);
        const needed = new Set(kept.flatMap(({ files }) => files));
        const collection = planCollection({ kept, present });
        for (const file of [...plan.files, ...collection.files]) {
          expect(needed.has(file)).toBe(false);
          expect(Number(/-(\d+)-/.exec(file)![1])).toBeLessThan(newest);
        }
        for (const id of [...plan.checkpoints, ...collection.checkpoints]) {
          expect(
            kept.some(({ checkpointId }) => checkpointId === id) ||
              (held.includes(id) && completed.some((c) => c.checkpointId === id)),
          ).toBe(false);
        }
      },
    ),
  );
});
