import { expect, test } from 'vitest';
import { Configuration } from './configuration.ts';
import { loadConfiguration } from './load-configuration.ts';
import { zooKeeperOptions } from './options/zookeeper-options.ts';
import { secretsOf } from './secrets-of.ts';

const CREDENTIALS = zooKeeperOptions.authorization;

test('secrets, and nothing else, become variables', () => {
  const secrets = secretsOf(Configuration.of({ [zooKeeperOptions.saslPassword.key]: 'hidden', 'rest.port': '1' }));
  expect(secrets).toEqual({ MILLRACE_CONF_HIGH_AVAILABILITY_ZOOKEEPER_CLIENT_SASL_PASSWORD: 'hidden' });
});

test('credentials that are written key by key arrive in another process as they were', () => {
  const here = Configuration.of({ [`${CREDENTIALS.key}.digest`]: 'user:pass', [`${CREDENTIALS.key}.other`]: 'token' });
  const { configuration, warnings } = loadConfiguration({ env: secretsOf(here), workingFolder: '/nowhere' });
  expect(configuration.get(CREDENTIALS)).toEqual({ digest: 'user:pass', other: 'token' });
  expect(warnings).toEqual([]);
});
