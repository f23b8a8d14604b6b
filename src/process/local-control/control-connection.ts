import { connect, type Socket } from 'node:net';
import { MillraceError } from '../../foundation/common/errors.ts';
import { LINE_BYTES_MAX, requestLine, type ControlCommand } from './control-protocol.ts';

/** Reads one line. Errors: PROTOCOL when the other side sends more than a line may be, or ends before. */
export const readLine = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(new MillraceError('PROTOCOL', message, cause === undefined ? {} : { cause }));
    };
    socket.on('data', (data: Buffer) => {
      const end = data.indexOf(0x0a);
      const part = end < 0 ? data : data.subarray(0, end);
      size += part.length;
      if (size > LINE_BYTES_MAX) {
        fail(`more than ${LINE_BYTES_MAX} bytes came`);
        return;
      }
      parts.push(part);
      if (end >= 0) {
        socket.pause();
        resolve(Buffer.concat(parts).toString('utf8'));
      }
    });
    socket.on('error', (error) => fail(`the connection broke: ${error.message}`, error));
    socket.on('close', () => fail('the other side ended before it said all'));
  });

/** Sends one command to the process of a job and returns its answer. Errors: PROTOCOL, or ECONNREFUSED and ENOENT as they are. */
export const ask = async (path: string, command: ControlCommand): Promise<string> => {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = connect(path);
    opening.once('connect', () => resolve(opening));
    opening.once('error', reject);
  });
  socket.write(requestLine(command));
  try {
    return await readLine(socket);
  } finally {
    socket.destroy();
  }
};
