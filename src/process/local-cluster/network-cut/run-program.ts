import { spawn } from 'node:child_process';

/** Rejects with the code of the system when it cannot be started, else with what it said on stderr. */
export const runProgram = (program: string, args: readonly string[], input: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
      } else {
        reject(new Error(`${program} ${args.join(' ')}: ${said.trim() || `exit code ${code}`}`));
      }
    });
    // It may have ended without reading.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
