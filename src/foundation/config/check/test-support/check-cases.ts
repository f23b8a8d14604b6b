import { readFileSync } from 'node:fs';
import { type CheckCase, sound } from './check-setup.ts';
import { ensembleCases, processCases } from './cluster-cases.ts';
import { haCases, keyCases, storageCases } from './setting-cases.ts';

const manifest = (name: string): string =>
  readFileSync(new URL(`../../fixtures/manifests/${name}.yaml`, import.meta.url), 'utf8');

const manifestCases: readonly CheckCase[] = [
  {
    code: 'RESTART_POLICY_IS_NOT_HA',
    level: 'risk',
    what: 'a JobManager that is only started again',
    found: { manifests: [manifest('restarted')] },
    origin: 'manifest-0.yaml:19',
    says: 'Deployment millrace-jm starts its JobManager again',
    notFound: { manifests: [manifest('config-map')] },
  },
  {
    code: 'RESTART_POLICY_IS_NOT_HA',
    level: 'risk',
    what: 'a pod with the policy that there is unless said',
    found: { manifests: [manifest('pod')] },
    origin: 'manifest-0.yaml:5',
    says: 'Pod the-jobmanager',
    notFound: { manifests: [manifest('pod').replace('spec:\n', 'spec:\n      restartPolicy: Never\n')] },
  },
  {
    code: 'RESTART_POLICY_IS_NOT_HA',
    level: 'risk',
    what: 'an argument that sets no HA',
    found: {
      manifests: [manifest('restarted').replace('jobmanager.rpc.address=millrace]', 'high-availability.type=NONE]')],
    },
    origin: 'manifest-0.yaml:19',
    says: 'none of the jobs',
    notFound: {
      manifests: [
        manifest('restarted').replace('jobmanager.rpc.address=millrace]', 'high-availability.type=KUBERNETES]'),
      ],
    },
  },
  {
    code: 'RESTART_POLICY_IS_NOT_HA',
    level: 'risk',
    what: 'a variable that sets something else',
    found: {
      manifests: [
        manifest('restarted').replaceAll(
          'image: millrace',
          'env: [{ name: MILLRACE_CONF_PARALLELISM_DEFAULT, value: "2" }]',
        ),
      ],
    },
    origin: 'manifest-0.yaml:19',
    says: 'millrace-jm',
    notFound: {
      manifests: [
        manifest('restarted').replaceAll(
          'image: millrace',
          'env: [{ name: MILLRACE_CONF_HIGH_AVAILABILITY_TYPE, value: zookeeper }]',
        ),
      ],
    },
  },
  {
    code: 'RESTART_POLICY_IS_NOT_HA',
    level: 'risk',
    what: 'a TaskManager is not what is meant, a JobManager is',
    found: sound({ config: [], manifests: [manifest('restarted')] }),
    origin: 'manifest-0.yaml:19',
    says: 'millrace-jm',
    notFound: sound({ manifests: [manifest('restarted')] }),
  },
  {
    code: 'UNREADABLE_MANIFEST',
    level: 'error',
    what: 'something that is no YAML',
    found: { manifests: ['kind: Pod\nspec: [1\n'] },
    origin: 'manifest-0.yaml:3',
    says: 'is no Kubernetes manifest',
    notFound: { manifests: ['kind: Pod\n'] },
  },
];

export const CHECK_CASES: readonly CheckCase[] = [
  ...keyCases,
  ...haCases,
  ...storageCases,
  ...ensembleCases,
  ...processCases,
  ...manifestCases,
];
