import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Recorded {
  /** What was said, without the lengths of frames. */
  readonly said: readonly { readonly by: 'client' | 'server'; readonly frame: Buffer }[];
  /** What `playRecordedScript` returned. */
  readonly results: readonly string[];
}

/** What a real server and this client said to each other (test/integration/zookeeper/record-conversation.ts writes it anew). */
export const recordedConversation = (): Recorded => {
  const lines = readFileSync(join(import.meta.dirname, 'recorded-conversation.txt'), 'utf8')
    .trimEnd()
    .split('\n');
  return {
    said: lines
      .filter((line) => !line.startsWith('='))
      .map((line) => ({
        by: line.startsWith('>') ? ('client' as const) : ('server' as const),
        frame: Buffer.from(line.slice(2), 'hex'),
      })),
    results: lines.filter((line) => line.startsWith('=')).map((line) => line.slice(2)),
  };
};
