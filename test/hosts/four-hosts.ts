import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClusterUnderTest } from '../chaos/cluster-under-test.ts';
import { recount } from '../chaos/recount.mjs';
import { folderWith, millrace } from '../cli/millrace-process.ts';
import { addressesOf, HostNetwork } from './host-network.ts';

export const HOSTS = ['a', 'b', 'c', 'd'] as const;
export type Host = (typeof HOSTS)[number];

const HOOK = fileURLToPath(new URL('shared-folder-hook.mjs', import.meta.url));

const TOKEN = 'the-token-of-four-hosts-3e1c';

/** Where each process runs. */
const PLACES = {
  'jobmanager-b': { role: 'jobmanager', host: 'b' },
  'jobmanager-a': { role: 'jobmanager', host: 'a' },
  'taskmanager-c': { role: 'taskmanager', host: 'c' },
  'taskmanager-d': { role: 'taskmanager', host: 'd' },
  /** On the host of a JobManager. */
  'taskmanager-b': { role: 'taskmanager', host: 'b' },
} as const;
export type ProcessName = keyof typeof PLACES;

export const hostOf = (name: ProcessName): Host => PLACES[name].host;

export interface FourHostsOptions {
  readonly certificates?: string;
  /** Made before; these four are in it, and perhaps more. It is closed with the cluster. */
  readonly network?: HostNetwork;
}

/** A cluster on four hosts that share a folder; commands are given on host A. */
export class FourHosts {
  readonly network: HostNetwork;
  readonly cluster: ClusterUnderTest;
  readonly #certificates: string | undefined;

  /** Everybody proves itself with a certificate of its host, clients of REST too: they need no token. */
  static async withCertificates(): Promise<FourHosts> {
    const folder = join(await folderWith({}), 'certificates');
    const { code, stderr } = await millrace(['certs', folder, ...addressesOf(HOSTS)], { cwd: join(folder, '..') });
    if (code !== 0) {
      throw new Error(`no certificates (${code}): ${stderr}`);
    }
    const configuration = {
      'security.ssl.internal.enabled': 'true',
      'security.ssl.internal.truststore': join(folder, 'ca.pem'),
      'security.ssl.rest.enabled': 'true',
      'security.ssl.rest.authentication-enabled': 'true',
    };
    return new FourHosts(configuration, { certificates: folder });
  }

  constructor(
    configuration: Readonly<Record<string, string>> = {},
    { certificates, network = HostNetwork.make(HOSTS) }: FourHostsOptions = {},
  ) {
    this.#certificates = certificates;
    this.network = network;
    this.cluster = ClusterUnderTest.create({
      slots: 2,
      configuration: {
        'rest.port': '8081',
        'high-availability.jobmanager.port': '6123',
        ...this.#keystore('a'),
        ...configuration,
      },
      env: certificates === undefined ? { MILLRACE_CONF_SECURITY_REST_AUTH_TOKEN: TOKEN } : {},
      through: this.network.on('a'),
    });
    mkdirSync(this.work);
  }

  /** Where the job writes. */
  get work(): string {
    return join(this.cluster.folder, 'work');
  }

  start(name: ProcessName, configuration: Readonly<Record<string, string>> = {}): void {
    const { role, host } = PLACES[name];
    const own = role === 'jobmanager' ? this.#jobManager(host) : this.#taskManager(host);
    this.cluster.startProcess(role, name, {
      through: [
        ...this.network.on(host),
        'env',
        `NODE_OPTIONS=--import=${HOOK}`,
        `MILLRACE_SHARED_FOLDER=${this.cluster.folder}/`,
        `MILLRACE_FOLDER_AWAY=${this.#away(host)}`,
      ],
      configuration: { ...own, ...this.#keystore(host), ...configuration },
    });
  }

  /** The folder that the hosts share is one of the network: who is cut off does not see it either, its calls hang. */
  takeFolder(host: Host): void {
    writeFileSync(this.#away(host), '');
  }

  giveFolder(host: Host): void {
    rmSync(this.#away(host), { force: true });
  }

  async registered(count: number): Promise<void> {
    const registered = (): number =>
      new Set(this.cluster.said(/ registered with \d+ slot/).map((line) => /TaskManager (\S+)/.exec(line)?.[1])).size;
    await this.cluster.until(`${count} TaskManagers are registered`, () => registered() >= count);
  }

  checkpointed(jobId: string, more: number): Promise<void> {
    const completed = (): number => this.cluster.said(new RegExp(`Completed checkpoint \\d+ for job ${jobId}`)).length;
    const before = completed();
    return this.cluster.until(`${more} more checkpoints complete`, () => completed() >= before + more);
  }

  /** Ends the job after what it has done so far, all of it committed; what `recount` says of that. */
  async stopped(jobId: string): Promise<ReturnType<typeof recount>> {
    const { code, stderr } = await this.cluster.run('stop', jobId, '-p', join(this.cluster.folder, 'savepoints'));
    if (code !== 0) {
      throw new Error(`the job was not stopped (${code}):\n${stderr}`);
    }
    const { committed } = recount(this.work, 0);
    if (committed === 0) {
      throw new Error('the job has committed nothing');
    }
    return recount(this.work, committed);
  }

  async close(): Promise<void> {
    try {
      await this.cluster.close();
    } finally {
      this.network.close();
    }
  }

  #keystore(host: Host): Record<string, string> {
    const folder = this.#certificates;
    return folder === undefined
      ? {}
      : { 'security.ssl.internal.keystore': join(folder, `host-${this.network.addressOf(host)}.pem`) };
  }

  #away(host: Host): string {
    return join(this.cluster.folder, `folder-away-from-${host}`);
  }

  #jobManager(host: Host): Record<string, string> {
    const address = this.network.addressOf(host);
    return {
      'jobmanager.rpc.address': address,
      'jobmanager.bind-host': '0.0.0.0',
      'rest.bind-address': '0.0.0.0',
    };
  }

  /** One is bound to all addresses and seen at the one from which it reaches the leader, the other to its own. */
  #taskManager(host: Host): Record<string, string> {
    return { 'taskmanager.bind-host': host === 'c' ? '0.0.0.0' : this.network.addressOf(host) };
  }
}
