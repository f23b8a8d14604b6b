import { describe, expect, test } from 'vitest';
import { Configuration } from '../../foundation/config/configuration.ts';
import { restAccess } from './rest-access.ts';

const access = (values: Record<string, string>, isInsecure = false, hasClientCertificates = false) =>
  restAccess(Configuration.of(values), { isInsecure, hasClientCertificates });

describe('restAccess', () => {
  test('needs nothing on loopback', () => {
    for (const address of ['127.0.0.1', '127.0.1.1', '::1', 'localhost']) {
      expect(access({ 'rest.bind-address': address }).token).toBeUndefined();
    }
    expect(access({}).hostNames).toBeDefined();
  });

  test('refuses to let anybody in the network run code, unless that is said', () => {
    for (const address of ['0.0.0.0', '::', '10.0.0.1', '127.example.com']) {
      const open = { 'rest.bind-address': address };
      expect(() => access(open)).toThrow(/whoever reaches it could run code here/);
      expect(access({ ...open, 'security.rest.auth-token': 'a'.repeat(16) }).token).toBe('a'.repeat(16));
      expect(access(open, true).hostNames).toBeUndefined();
      expect(access(open, false, true).token).toBeUndefined();
    }
  });

  test('takes no token that is easily guessed, and does not show it', () => {
    for (const token of ['', 'short', 'with a space in it']) {
      expect(() => access({ 'security.rest.auth-token': token })).toThrow(/is no token; allowed: 16/);
    }
    expect(() => access({ 'security.rest.auth-token': 'hush' })).not.toThrow(/hush/);
  });
});
