import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limiter } from '../golden/limiter.ts';

const PROGRAM = fileURLToPath(new URL('jobs/run-and-leave.ts', import.meta.url));
const DEADLINE_MS = 40_000;

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

const runProgram = (how: string, folder: string): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const temporary = join(folder, 'tmp');
    mkdirSync(temporary);
    const child = spawn(process.execPath, [PROGRAM, how, folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary, NODE_OPTIONS: '' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, stdout, stderr });
    });
  });

describe('after the end of a job', () => {
  const inTurn = limiter(2);
  let root: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-clean-'));
  });

  afterAll(() => {
    rmSync(root, { recursive: true, force: true });
  });

  test.concurrent.each([
    ['finish', 'FINISHED'],
    ['inline', 'FINISHED'],
    ['restart', 'FINISHED'],
    ['kill', 'FINISHED'],
    ['stop', 'FINISHED'],
    ['fail', 'FAILED'],
    ['cancel', 'CANCELED'],
    ['hang', 'CANCELED'],
  ])('%s: the process ends by itself, no worker, timer, socket or temporary file is left', (how, status) =>
    inTurn(async () => {
      const folder = mkdtempSync(join(root, 'run-'));
      const { code, signal, stdout, stderr } = await runProgram(how, folder);
      expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({ status, left: [] });
      expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    }),
  );
});
