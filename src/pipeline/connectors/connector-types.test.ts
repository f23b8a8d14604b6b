import { describe, expectTypeOf, it } from 'vitest';
import { collect, print } from './built-in-sinks.ts';
import { sink, source } from './custom/index.ts';
import { elements, generate, sequence } from './generator/index.ts';
import type { Sink } from './sink.ts';
import type { Source } from './source.ts';

interface A {
  readonly a: number;
}
interface AB extends A {
  readonly b: string;
}

/** What `stream.to` asks for. */
const streamOf = <T>() => ({ to: (_sink: Sink<T>) => {} });

describe('types of connectors', () => {
  it('infers the record of a source', () => {
    expectTypeOf(sequence()).toEqualTypeOf<Source<number>>();
    expectTypeOf(elements(['a', 'b'])).toEqualTypeOf<Source<string>>();
    expectTypeOf(generate({ seed: 1, create: (index, random) => ({ index, x: random.next() }) })).toEqualTypeOf<
      Source<{ index: number; x: number }>
    >();
  });

  it('infers record and position of a custom source', () => {
    const tuples = source({
      name: 'tuples',
      read: async function* (position: number | undefined) {
        yield [{ a: position ?? 0 }, 1];
      },
    });
    expectTypeOf(tuples).toEqualTypeOf<Source<{ a: number }>>();
    const withDefault = source({
      name: 'default',
      read: async function* (position: number = 0, { signal }) {
        yield [String(signal.aborted), position + 1];
      },
    });
    expectTypeOf(withDefault).toEqualTypeOf<Source<string>>();
    const objects = source({
      name: 'cursor',
      timestamps: (row: AB) => row.a,
      read: async function* (position?: { cursor: string }) {
        const row: AB = { a: 1, b: 'x' };
        yield [row, { cursor: position?.cursor ?? '' }] as const;
      },
    });
    expectTypeOf(objects).toEqualTypeOf<Source<AB>>();
    const plain = source({
      name: 'plain',
      positions: false,
      read: async function* () {
        yield { a: 1 };
      },
    });
    expectTypeOf(plain).toEqualTypeOf<Source<{ a: number }>>();
  });

  it('refuses a position of another type than the one yielded', () => {
    // @ts-expect-error the position is a string, a number is yielded
    source({
      name: 'wrong',
      read: async function* (position: string | undefined) {
        yield [{ a: position }, 1] as [{ a: string | undefined }, number];
      },
    });
  });

  it('lets a sink take records with more fields, and refuses others', () => {
    const sinkOfA = sink({ name: 'a', write: (value: A) => console.log(value.a) });
    expectTypeOf(sinkOfA).toEqualTypeOf<Sink<A>>();
    streamOf<AB>().to(sinkOfA);
    streamOf<A>().to(sinkOfA);
    streamOf<A>().to(print());
    streamOf<A>().to(collect<A>('rows'));
    const sinkOfAB = sink({ name: 'ab', write: async (value: AB) => void value.b });
    // @ts-expect-error b is missing
    streamOf<A>().to(sinkOfAB);
    // @ts-expect-error a number is no A
    streamOf<number>().to(sinkOfA);
    // @ts-expect-error a is a string
    streamOf<{ a: string }>().to(sinkOfA);
    // @ts-expect-error the rows have another field
    streamOf<A>().to(collect<{ c: number }>('rows'));
  });

  it('gives commit what prepare returned', () => {
    const paired = sink({
      name: 'paired',
      write: (_value: A) => {},
      prepare: async (name) => ({ upload: name.length }),
      commit: ({ value }) => {
        expectTypeOf(value).toEqualTypeOf<{ upload: number }>();
      },
    });
    expectTypeOf(paired).toEqualTypeOf<Sink<A>>();
    const created = sink({
      name: 'created',
      create: () => {
        const rows: A[] = [];
        return {
          write: (value: A) => rows.push(value),
          prepare: (name: string) => (rows.length === 0 ? undefined : { name, rows: rows.splice(0) }),
          commit: ({ value }) => {
            expectTypeOf(value.rows).toEqualTypeOf<A[]>();
          },
        };
      },
    });
    expectTypeOf(created).toEqualTypeOf<Sink<A>>();
    const mixedUp = {
      name: 'mixed up',
      write: (_value: A) => {},
      prepare: () => ({ upload: 1 }),
      commit: ({ value }: { value: { upload: string } }) => void value,
    };
    // @ts-expect-error prepare returns a number, commit takes a string
    sink(mixedUp);
  });
});
