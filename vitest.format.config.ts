import { defineConfig } from 'vitest/config';

/** The formats on disk, read by a program that shares nothing with this one (`test/format/reader.py`, Python 3). */
export default defineConfig({ test: { include: ['test/format/**/*.test.ts'], testTimeout: 60_000 } });
