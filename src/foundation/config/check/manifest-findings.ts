import { isMap, isScalar, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import { messageOf } from '../../common/errors.ts';
import { Configuration } from '../configuration.ts';
import { parseFlatConfig } from '../flat-config.ts';
import { environmentName } from '../option-registry.ts';
import { namesOf } from '../option.ts';
import { highAvailabilityOptions } from '../options/high-availability-options.ts';
import { parseYamlConfig } from '../yaml-config.ts';
import type { CheckFacts, TextFile } from './check-facts.ts';
import { type Finding, valueOf } from './finding.ts';

const { type } = highAvailabilityOptions;
const TYPE_KEYS = namesOf(type);
const TYPE_VARIABLES = TYPE_KEYS.map(environmentName);

/** What starts a pod again: `spec.template.spec` of these, `spec` of a pod itself. */
const WORKLOADS: ReadonlySet<unknown> = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job']);

/** A JobManager of Kubernetes manifests that is started again, and no HA store that remembers its jobs. */
export const manifestFindings = ({ configuration, manifests }: CheckFacts): readonly Finding[] => {
  const read = manifests.map(readManifest);
  const findings = read.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
  const objects = read.flatMap((each) => each.objects);
  const isOn = valueOf(configuration, type) !== 'none' || objects.some(({ value }) => turnsOn(value));
  return isOn ? findings : [...findings, ...objects.flatMap(restartFindings)];
};

interface ManifestObject {
  readonly file: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly node: YAMLMap;
  readonly lines: LineCounter;
}

const readManifest = ({
  name,
  text,
}: TextFile): { readonly objects: readonly ManifestObject[]; readonly problem: Finding | undefined } => {
  const lines = new LineCounter();
  try {
    const documents = [...parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })];
    for (const { errors } of documents) {
      if (errors[0] !== undefined) {
        const { line } = lines.linePos(errors[0].pos[0]);
        return { objects: [], problem: unreadable(`${name}:${line}`, errors[0].message) };
      }
    }
    const objects = documents.flatMap((document): readonly ManifestObject[] =>
      isMap(document.contents)
        ? [{ file: name, value: recordOf(document.toJS()), node: document.contents, lines }]
        : [],
    );
    return { objects: objects.flatMap(itemsOf), problem: undefined };
  } catch (error) {
    return { objects: [], problem: unreadable(name, messageOf(error)) };
  }
};

const unreadable = (origin: string, problem: string): Finding => ({
  code: 'UNREADABLE_MANIFEST',
  level: 'error',
  message: `${origin} is no Kubernetes manifest: ${problem}`,
  origin,
  wayOut: 'give -f a file of YAML documents as kubectl apply takes it',
});

/** The objects of a `List`, else the object itself. */
const itemsOf = (object: ManifestObject): readonly ManifestObject[] => {
  const items = object.value['items'];
  const nodes = object.node.get('items', true);
  return object.value['kind'] === 'List' && Array.isArray(items) && nodes !== undefined && 'items' in nodes
    ? items.flatMap((value: unknown, index): readonly ManifestObject[] => {
        const node = (nodes.items as readonly unknown[])[index];
        return isMap(node) ? [{ ...object, value: recordOf(value), node }] : [];
      })
    : [object];
};

const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** Of one word or number. */
const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

const podOf = (value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined => {
  const spec = recordOf(value['spec']);
  if (value['kind'] === 'Pod') {
    return spec;
  }
  return WORKLOADS.has(value['kind']) ? recordOf(recordOf(spec['template'])['spec']) : undefined;
};

const containersOf = (pod: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] =>
  [...listOf(pod['containers']), ...listOf(pod['initContainers'])].map(recordOf);

const wordsOf = (container: Readonly<Record<string, unknown>>): readonly string[] =>
  [...listOf(container['command']), ...listOf(container['args'])].map(textOf);

/** By what it runs, else by its component or its name. */
const isJobManager = (value: Readonly<Record<string, unknown>>, pod: Readonly<Record<string, unknown>>): boolean => {
  const words = containersOf(pod).flatMap(wordsOf).join(' ');
  if (/\btaskmanager\b/i.test(words)) {
    return false;
  }
  const metadata = recordOf(value['metadata']);
  const template = recordOf(recordOf(recordOf(value['spec'])['template'])['metadata']);
  const labels = [metadata['labels'], template['labels']].flatMap((each) => Object.values(recordOf(each)).map(textOf));
  const names = [textOf(metadata['name']), ...containersOf(pod).map(({ name }) => textOf(name))];
  return [words, ...labels, ...names].some((text) => /job-?manager|\bstandalone-job\b/i.test(text));
};

const restartFindings = ({ file, value, node, lines }: ManifestObject): readonly Finding[] => {
  const pod = podOf(value);
  if (pod === undefined || !isJobManager(value, pod) || pod['restartPolicy'] === 'Never') {
    return [];
  }
  const path = value['kind'] === 'Pod' ? ['spec', 'restartPolicy'] : ['spec', 'template', 'spec', 'restartPolicy'];
  const written = node.getIn(path, true) ?? node.get('kind', true);
  const offset = isScalar(written) ? written.range?.[0] : undefined;
  const name = textOf(recordOf(value['metadata'])['name']) || 'without a name';
  return [
    {
      code: 'RESTART_POLICY_IS_NOT_HA',
      level: 'risk',
      message:
        `${textOf(value['kind'])} ${name} starts its JobManager again when it dies, but nothing in these files or in the configuration ` +
        'sets an HA store: the new one knows none of the jobs, and they have to be started again by hand from a checkpoint',
      origin: offset === undefined ? file : `${file}:${lines.linePos(offset).line}`,
      wayOut: `set ${type.key} (zookeeper or kubernetes) and ${highAvailabilityOptions.storageDirectory.key} in its configuration`,
    },
  ];
};

/** An object that sets `high-availability.type`: in a container, a config map, or the configuration of a FlinkDeployment. */
const turnsOn = (value: Readonly<Record<string, unknown>>): boolean => {
  if (value['kind'] === 'ConfigMap') {
    return Object.entries(recordOf(value['data'])).some(
      ([key, text]) => isTypeOn(key, textOf(text)) || isFileOn(key, textOf(text)),
    );
  }
  const pod = podOf(value);
  if (pod !== undefined) {
    return containersOf(pod).some(isContainerOn);
  }
  const configuration = recordOf(recordOf(value['spec'])['flinkConfiguration']);
  return Object.entries(flattened(configuration)).some(([key, text]) => isTypeOn(key, text));
};

const isContainerOn = (container: Readonly<Record<string, unknown>>): boolean => {
  const words = wordsOf(container).flatMap((word) => word.split(/\s+/));
  const environment = listOf(container['env']).map(recordOf);
  return (
    words.some((word) => {
      const equals = word.indexOf('=');
      return equals > 0 && isTypeOn(word.slice(0, equals).replace(/^-D/, ''), word.slice(equals + 1));
    }) ||
    environment.some(({ name, value }) => {
      const at = TYPE_VARIABLES.indexOf(textOf(name));
      return at >= 0 ? isTypeOn(TYPE_KEYS[at] ?? '', textOf(value)) : isFileOn('flink-conf.yaml', textOf(value));
    })
  );
};

const isTypeOn = (key: string, value: string): boolean =>
  TYPE_KEYS.includes(key) && valueOf(Configuration.of({ [key]: value }), type) !== 'none';

/** A text in either of the two formats; what is none of them turns nothing on. */
const isFileOn = (name: string, text: string): boolean => {
  try {
    const parse = name.endsWith('flink-conf.yaml') ? parseFlatConfig : parseYamlConfig;
    return valueOf(Configuration.empty.with(parse(text, name).entries), type) !== 'none';
  } catch {
    return false;
  }
};

const flattened = (map: Readonly<Record<string, unknown>>, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    Object.entries(map).flatMap(([key, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(flattened(recordOf(value), `${prefix}${key}.`))
        : [[prefix + key, String(value)] as const],
    ),
  );
