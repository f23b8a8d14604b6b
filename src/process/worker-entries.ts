/** Every kind of worker thread and the module it starts with. */
const ENTRIES = {
  'task-thread': 'thread-entry',
  'user-code': 'user-code-entry',
  'rescale-plan': 'rescale-plan-entry',
  'lease-thread': 'lease-thread-entry',
  'zookeeper-thread': 'zookeeper-thread/zookeeper-thread-entry',
} as const;

/** The entry's URL: TypeScript when this file runs as TypeScript (tests), JavaScript in the published package. */
export const workerEntry = (kind: keyof typeof ENTRIES): URL => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${ENTRIES[kind]}.${extension}`, import.meta.url);
};
