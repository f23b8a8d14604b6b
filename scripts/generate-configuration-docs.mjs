// Writes docs/configuration.md from the options in src/foundation/config; a test checks that it is current.
import { writeFileSync } from 'node:fs';
import { configurationDocs } from '../src/foundation/config/configuration-docs.ts';

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationDocs());
