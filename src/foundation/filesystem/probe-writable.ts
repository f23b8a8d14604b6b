import { MillraceError, messageOf } from '../common/errors.ts';
import { systemRandom } from '../common/system-random.ts';
import { targetOfTemporaryName } from './disk/temporary-name.ts';
import { fileSystemOf } from './file-systems.ts';

const PROBE_PREFIX = '.millrace-probe-';

/** Whether `name` is that of a file that `probeWritable` writes, complete or only begun. */
export const isProbeName = (name: string): boolean => (targetOfTemporaryName(name) ?? name).startsWith(PROBE_PREFIX);

/**
 * Says at the start, not at the first checkpoint, that a folder cannot be written to: makes it, writes a file in it, reads
 * that back and deletes it. `what` names the folder in the message, as in `checkpoint directory`.
 */
export const probeWritable = async (uri: string, what = 'folder'): Promise<void> => {
  const { fs, path } = fileSystemOf(uri);
  const probe = `${path}/${PROBE_PREFIX}${systemRandom.hex(12)}`;
  const content = Buffer.from('millrace');
  try {
    await fs.write(probe, content);
    const back = await fs.read(probe);
    if (!content.equals(back)) {
      throw new MillraceError('FILESYSTEM', 'a file that was written there reads back different');
    }
  } catch (error) {
    const retryable = error instanceof MillraceError && error.retryable;
    throw new MillraceError('FILESYSTEM', `the ${what} ${uri} is not writable: ${messageOf(error)}`, {
      cause: error,
      retryable,
    });
  } finally {
    await fs.delete(probe).catch(() => undefined);
  }
};
