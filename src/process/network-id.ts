import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The same for processes that share a network: of one host, and of one container on it. */
export const networkId = (): string => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/net')}`;
  } catch {
    // Only Linux has them.
    return hostname();
  }
};
