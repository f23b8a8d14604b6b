import { spawn } from 'node:child_process';
import { isIP } from 'node:net';

/** The way of the system (files, search domains and all), which nothing can interrupt but the end of its process. */
const PROGRAM = `
for (const host of process.argv.slice(1)) {
  require('node:dns').lookup(host, (error, address) => console.log(JSON.stringify([host, error ? null : address])));
}`;

/** An address of each host, by host; `null`: nobody knows the name; nothing: no answer came. It takes no longer than `timeoutMs`, however long name servers are silent. */
export const lookUpHosts = async (
  hosts: readonly string[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, string | null>> => {
  const found = new Map<string, string | null>(hosts.filter((host) => isIP(host) !== 0).map((host) => [host, host]));
  const names = [...new Set(hosts)].filter((host) => !found.has(host));
  if (names.length === 0) {
    return found;
  }
  const child = spawn(process.execPath, ['-e', PROGRAM, '--', ...names], {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
  for (const line of output.split('\n').filter((text) => text.endsWith(']'))) {
    const [host, address] = JSON.parse(line) as [string, string | null];
    found.set(host, address);
  }
  return found;
};
