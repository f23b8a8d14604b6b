import { describe, expect, test } from 'vitest';
import { PARTS } from '../proof.ts';
import { GREEN, GREEN_DRILL } from '../sample.ts';
import { page } from './page.ts';

const headlineOf = (markup: string): string | undefined => /<h1[^>]*>\s*([^<]*?)\s*<\/h1>/.exec(markup)?.[1];

const ELEMENTS = /<(\/?)([a-z0-9]+)((?:[^>"]|"[^"]*")*)>/g;
const EMPTY = ['meta'];

/** Names of elements that are not closed where they should be. */
const unbalanced = (markup: string): readonly string[] => {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, closes, name, rest] of markup.replace(/<style>.*?<\/style>/s, '').matchAll(ELEMENTS)) {
    if (closes === '/') {
      const last = open.pop();
      wrong.push(...(last === name ? [] : [`</${name}> in <${last}>`]));
    } else if (!EMPTY.includes(name!) && !rest!.endsWith('/')) {
      open.push(name!);
    }
  }
  return [...wrong, ...open];
};

describe('the page', () => {
  test('says that all is well in its headline and in one sentence', () => {
    const markup = page(GREEN);
    expect(headlineOf(markup)).toBe('Everything is as it must be');
    expect(markup).toContain('123,456 states');
    expect(markup).toContain('2026-01-02 03:04 UTC');
    expect(markup).not.toContain('✗');
  });

  test('has a section for each part, with its command and raw data, and well-formed markup', () => {
    const markup = page(GREEN);
    for (const name of PARTS) {
      expect(markup).toContain(`id="${name}"`);
      expect(markup).toContain(GREEN[name]!.command);
    }
    expect(markup.match(/<summary>Raw data<\/summary>/g)).toHaveLength(PARTS.length);
    expect(unbalanced(markup)).toEqual([]);
  });

  test('needs nothing from elsewhere, and no script', () => {
    expect(page(GREEN)).not.toMatch(/<script|<link|<img|@import|url\(|(?:src|href)="(?!#)/);
  });

  test('shows texts as texts, whatever is in them', () => {
    const nasty = '<script>alert("1")</script> & \'x\'';
    const violation = { seed: 3, invariant: nasty, message: nasty, plan: [nasty] };
    const markup = page({
      ...GREEN,
      about: { ...GREEN.about, machine: { ...GREEN.about.machine, cpu: nasty } },
      model: { ...GREEN.model!, failure: `${nasty}\n${nasty}` },
      simulation: { ...GREEN.simulation!, data: { ...GREEN.simulation!.data!, violations: [violation] } },
      drills: {
        ...GREEN.drills!,
        data: {
          ...GREEN.drills!.data!,
          drills: [{ ...GREEN_DRILL, kind: nasty, findings: [{ kind: nasty, text: nasty }] }],
        },
      },
    });
    expect(markup).not.toContain('<script');
    expect(markup).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;');
    expect(unbalanced(markup)).toEqual([]);
  });

  test('names what is wrong, in the headline too', () => {
    const failure = 'spin not found. Install what is missing: apt-get install -y spin';
    const markup = page({ ...GREEN, model: { command: 'x', seconds: 0, failure } });
    expect(headlineOf(markup)).toBe('Not everything is as it must be');
    expect(markup).toContain(failure);
    expect(markup).toContain('the model check (1 problem)');
    expect(unbalanced(markup)).toEqual([]);
  });

  test('never calls a part right that was not run', () => {
    const markup = page({ about: GREEN.about, drills: GREEN.drills! });
    expect(headlineOf(markup)).toBe('What was run is as it must be');
    expect(markup).toContain('the other parts were not run');
    expect(markup.match(/not run<\/span/g)!.length).toBeGreaterThanOrEqual(4);
    expect(unbalanced(markup)).toEqual([]);
  });

  test('is the same for the same data', () => {
    expect(page(GREEN)).toBe(page(structuredClone(GREEN)));
  });
});
