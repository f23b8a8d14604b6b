import type { z } from 'zod';

/** What a schema refuses, in one line: `jobs.0.name: Invalid input: expected string, received number; ...`. */
export const schemaIssues = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
