import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeCertificateAuthority, makeHostCertificate } from './certificate.ts';

const fromMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const untilMs = Date.UTC(2055, 11, 31);
const authority = makeCertificateAuthority({ name: 'Millrace test CA', fromMs, untilMs });
const ca = new X509Certificate(authority.cert);

describe('certificates', () => {
  test('of a CA sign themselves', () => {
    expect(ca.ca).toBe(true);
    expect(ca.subject).toBe('CN=Millrace test CA');
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect([Date.parse(ca.validFrom), Date.parse(ca.validTo)]).toEqual([fromMs, untilMs]);
  });

  test('of a host are signed by the CA and name the hosts', () => {
    const hosts = ['tm-1.example', 'localhost', '127.0.0.1', '::1', '2001:db8::a:0:1', 'fe80::', '::ffff:10.0.0.1'];
    const { key, cert } = makeHostCertificate(authority, { name: 'tm-1', hosts, fromMs, untilMs });
    const host = new X509Certificate(cert);
    expect(key).toContain('PRIVATE KEY');
    expect(host.ca).toBe(false);
    expect(host.checkIssued(ca)).toBe(true);
    expect(host.verify(ca.publicKey)).toBe(true);
    expect(host.subjectAltName).toBe(
      'DNS:tm-1.example, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, ' +
        'IP Address:2001:DB8:0:0:0:A:0:1, IP Address:FE80:0:0:0:0:0:0:0, IP Address:0:0:0:0:0:FFFF:A00:1',
    );
    expect(host.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  });

  test('have serial numbers and keys of their own', () => {
    const options = { name: 'x', hosts: [], fromMs, untilMs };
    const [a, b] = [makeHostCertificate(authority, options), makeHostCertificate(authority, options)];
    expect(new X509Certificate(a.cert).serialNumber).not.toBe(new X509Certificate(b.cert).serialNumber);
    expect(a.key).not.toBe(b.key);
  });

  test('of another CA of the same name are told apart', () => {
    const other = makeCertificateAuthority({ name: 'Millrace test CA', fromMs, untilMs });
    const host = new X509Certificate(makeHostCertificate(other, { name: 'x', hosts: [], fromMs, untilMs }).cert);
    expect(host.verify(ca.publicKey)).toBe(false);
  });

  test('are sound for any serial number and signature, whose length varies', () => {
    for (let i = 0; i < 100; i++) {
      const { cert } = makeHostCertificate(authority, { name: `host ${i}`, hosts: [`h${i}`], fromMs, untilMs });
      expect(new X509Certificate(cert).verify(ca.publicKey)).toBe(true);
    }
  });
});
