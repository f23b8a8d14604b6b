import { expect, test } from 'vitest';
import { z } from 'zod';
import { schemaIssues } from './schema-issues.ts';

test('each issue is named by its place, in one line', () => {
  const schema = z.object({ jobs: z.array(z.object({ name: z.string() })), count: z.int() });
  const { error } = schema.safeParse({ jobs: [{ name: 1 }] });
  expect(schemaIssues(error!)).toMatch(/^jobs\.0\.name: [^;\n]*string[^;\n]*; count: [^;\n]+$/);
  expect(schemaIssues(schema.safeParse(1).error!)).toMatch(/^[^:\n]+: expected object/);
});
