import type { DataPlaneTls } from '../data-plane-settings.ts';

/**
 * Two authorities and a process of each, good until 2126; they protect nothing. Made with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500`, the processes' with `openssl x509 -req`.
 */
const pem = (label: string, ...lines: readonly string[]): Uint8Array =>
  Buffer.from([`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n'));

export const CERTIFICATES = {
  member: {
    ca: pem(
      'CERTIFICATE',
      'MIIBlTCCATugAwIBAgIUPPXmTVGnhOxugmIenT+PERLevSAwCgYIKoZIzj0EAwIw',
      'HzEdMBsGA1UEAwwUbWlsbHJhY2UgdGVzdCBtZW1iZXIwIBcNMjYxMTIxMDYzNzI4',
      'WhgPMjEyNjEwMjgwNjM3MjhaMB8xHTAbBgNVBAMMFG1pbGxyYWNlIHRlc3QgbWVt',
      'YmVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEnJxeQxkcdiAJBPSXnt9GgQNa',
      'TgtW8ZNn3InsMPnncaxUUe4ADigixMm1uZC8ViaS7uJ1ox7nlaxnvLIw0cvj3qNT',
      'MFEwHQYDVR0OBBYEFC2JH4lgPwLV/nxl3J1JeR/TViVIMB8GA1UdIwQYMBaAFC2J',
      'H4lgPwLV/nxl3J1JeR/TViVIMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwID',
      'SAAwRQIhALQqUT+dUA7X0Sy/g8s1+9flNmBm+3Pq3wef/2M0fVE6AiBhLOQT1e2b',
      't1eXv9dxaz+qaF63ysTUiGOtuvNdlzvIEQ==',
    ),
    cert: pem(
      'CERTIFICATE',
      'MIIBPDCB4gIUMSBjQP16WpbhjFdlwfj88cxYpjYwCgYIKoZIzj0EAwIwHzEdMBsG',
      'A1UEAwwUbWlsbHJhY2UgdGVzdCBtZW1iZXIwIBcNMjYxMTIxMDYzNzI4WhgPMjEy',
      'NjEwMjgwNjM3MjhaMCAxHjAcBgNVBAMMFW1pbGxyYWNlIHRlc3QgcHJvY2VzczBZ',
      'MBMGByqGSM49AgEGCCqGSM49AwEHA0IABB6O0HNkPtedcr7a/UiQYaBmi1lPxYBs',
      'VKA5F5v9y6Lgwxj9zd6dPqQB2Lho9SHzwhPKhSldtVlUjbjdYPBjCTEwCgYIKoZI',
      'zj0EAwIDSQAwRgIhAMRfjKBuAY8kqdeJQuH3c/FNI+D1KX8Guymv3EPzGchBAiEA',
      '98bly1SuqPrDt8G9ePHpoR7PKiyw5IIC9rH1f6zlpkU=',
    ),
    key: pem(
      'PRIVATE KEY',
      'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9hDlsPCSIsOZWkhK',
      '1VV/Fz1M4Kr1Y65gHVfGxOvBolWhRANCAAQejtBzZD7XnXK+2v1IkGGgZotZT8WA',
      'bFSgOReb/cui4MMY/c3enT6kAdi4aPUh88ITyoUpXbVZVI243WDwYwkx',
    ),
  },
  stranger: {
    ca: pem(
      'CERTIFICATE',
      'MIIBmDCCAT+gAwIBAgIUHTgJtmbwOhMSiZbCyzybbjB72CswCgYIKoZIzj0EAwIw',
      'ITEfMB0GA1UEAwwWbWlsbHJhY2UgdGVzdCBzdHJhbmdlcjAgFw0yNjExMjEwNjM3',
      'MjhaGA8yMTI2MTAyODA2MzcyOFowITEfMB0GA1UEAwwWbWlsbHJhY2UgdGVzdCBz',
      'dHJhbmdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPeYVTBsR5V1ASQHHDqk',
      'ozGhTzsEF2xWqnysxUOOen3ndwr1rWEnOcA9gxB7/p6EvqY5AY/04lLuG2lyKTzc',
      'JnSjUzBRMB0GA1UdDgQWBBQZbcqguwV/YDTBSwW0iIItGjp1rzAfBgNVHSMEGDAW',
      'gBQZbcqguwV/YDTBSwW0iIItGjp1rzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49',
      'BAMCA0cAMEQCIBr/1X08xjJLrfbZk0VEmGuUZMf0VDNP2IPKROKghJWDAiBWTdx9',
      'YAluQ2AhLw/uNvJ9X6m2NnpawJnBP37eISG5jg==',
    ),
    cert: pem(
      'CERTIFICATE',
      'MIIBPTCB5AIUaXbW8dYknHK6hbnmL4wmlc/6K2wwCgYIKoZIzj0EAwIwITEfMB0G',
      'A1UEAwwWbWlsbHJhY2UgdGVzdCBzdHJhbmdlcjAgFw0yNjExMjEwNjM3MjhaGA8y',
      'MTI2MTAyODA2MzcyOFowIDEeMBwGA1UEAwwVbWlsbHJhY2UgdGVzdCBwcm9jZXNz',
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmVsmerdom7ptH1Ds3tSgE1RnxJtJ',
      'NXn+DWzegKXv7lpyvXuf5IPYivMdH1STMg43T6Jv6cqrP8id1cWk8V7XijAKBggq',
      'hkjOPQQDAgNIADBFAiA61dp440W7YFdHjVw3voSnAdCR2pFYkLu/4tjWL5OZ6wIh',
      'AJftFXqA/qCql3A0kSff8MNNiTnEAwGLvMIOg6Y5QQUc',
    ),
    key: pem(
      'PRIVATE KEY',
      'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgG1rq2fqajdd62t1h',
      'o0k3QWqABCKJ2J4rMBJQVGC6XBShRANCAASZWyZ6t2ibum0fUOze1KATVGfEm0k1',
      'ef4NbN6Ape/uWnK9e5/kg9iK8x0fVJMyDjdPom/pyqs/yJ3VxaTxXteK',
    ),
  },
} as const satisfies Readonly<Record<string, DataPlaneTls>>;
