import { booleanType, stringType } from '../option-type.ts';
import { option } from '../option.ts';

const internal = 'security.ssl.internal';

/** TLS between the processes of a cluster: control plane, records, bundles. */
export const securityOptions = {
  internalEnabled: option(booleanType, {
    key: `${internal}.enabled`,
    deprecatedKeys: ['security.ssl.enabled'],
    default: 'false',
    description:
      'Mutual TLS between the processes of the cluster; set it in all of them. `millrace certs` makes what it needs.',
  }),
  internalKeystore: option(stringType, {
    key: `${internal}.keystore`,
    deprecatedKeys: ['security.ssl.keystore'],
    description: 'PEM file with the private key of the process and its certificate.',
  }),
  internalKeyPassword: option(stringType, {
    key: `${internal}.key-password`,
    deprecatedKeys: ['security.ssl.key-password'],
    fallbackKeys: [`${internal}.keystore-password`],
    description: 'Password of the private key, if it has one.',
  }),
  internalKeystorePassword: option(stringType, {
    key: `${internal}.keystore-password`,
    deprecatedKeys: ['security.ssl.keystore-password'],
    description: 'Stands for `security.ssl.internal.key-password`: PEM files have no password of their own.',
  }),
  internalKeystoreType: option(stringType, {
    key: `${internal}.keystore-type`,
    default: 'PEM',
    description: 'Format of the keystore.',
    differs: { flink: 'JKS', here: 'PEM', reason: 'what Node and OpenSSL read' },
  }),
  internalTruststore: option(stringType, {
    key: `${internal}.truststore`,
    deprecatedKeys: ['security.ssl.truststore'],
    description: 'PEM file with the certificates of the CAs whose certificates are taken.',
  }),
  internalTruststorePassword: option(stringType, {
    key: `${internal}.truststore-password`,
    deprecatedKeys: ['security.ssl.truststore-password'],
    description: 'Known, without effect: PEM certificates have no password.',
  }),
  internalTruststoreType: option(stringType, {
    key: `${internal}.truststore-type`,
    default: 'PEM',
    description: 'Format of the truststore.',
    differs: { flink: 'JKS', here: 'PEM', reason: 'what Node and OpenSSL read' },
  }),
  internalFingerprint: option(stringType, {
    key: `${internal}.cert.fingerprint`,
    description: 'If set, only the certificate with this SHA-1 or SHA-256 is taken.',
  }),
};
