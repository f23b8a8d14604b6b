import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

const PREFIX = '10.231.7';
/** No network card has it: frames sent to it arrive nowhere. */
const NOWHERE = '02:00:00:00:00:01';

/** In the order of the hosts. */
export const addressesOf = (hosts: readonly string[]): readonly string[] =>
  hosts.map((_, index) => `${PREFIX}.${index + 1}`);

const ip = (...args: readonly string[]): void => {
  try {
    execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  } catch (thrown) {
    const { stderr = '' } = thrown as { readonly stderr?: string };
    throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`, { cause: thrown });
  }
};

/** What makes the hosts, and what cuts them off. */
const PROGRAMS = [
  ['ip', '-V', 'iproute2'],
  ['nft', '--version', 'nftables'],
] as const;

/** Why hosts cannot be made here, with the way out; `undefined`: they can. */
export const whyNoHosts = (): string | undefined => {
  if (process.platform !== 'linux') {
    return 'hosts are network namespaces, which only Linux has';
  }
  for (const [command, argument, debianPackage] of PROGRAMS) {
    if (spawnSync(command, [argument]).error !== undefined) {
      return `the command "${command}" is missing; install it: apt-get update && apt-get install -y ${debianPackage}`;
    }
  }
  return process.getuid?.() === 0 ? undefined : 'network namespaces need root; run it as root: sudo npm run test:hosts';
};

/**
 * Hosts that share the disk of this machine and have a network of their own: namespaces, each with one card, at a switch that is a
 * namespace too. Nothing of the machine's own network is touched, and all of it goes with the namespaces.
 */
export class HostNetwork {
  readonly #id = `mr${randomBytes(4).toString('hex')}`;
  readonly #hosts: readonly string[];
  readonly #made: string[] = [];

  /** Names of hosts, such as `a`. Rejects with what `whyNoHosts` says. */
  static make(hosts: readonly string[]): HostNetwork {
    const obstacle = whyNoHosts();
    if (obstacle !== undefined) {
      throw new Error(obstacle);
    }
    const network = new HostNetwork(hosts);
    try {
      network.#make();
      return network;
    } catch (thrown) {
      network.close();
      throw thrown;
    }
  }

  private constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
  }

  addressOf(host: string): string {
    return addressesOf(this.#hosts)[this.#hosts.indexOf(host)]!;
  }

  /** What runs a command on the host. */
  on(host: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespaceOf(host)];
  }

  /** The same with all else as it is here, mounted control groups too. */
  inNetworkOf(host: string): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.#namespaceOf(host)}`];
  }

  /** Nothing leaves the host and nothing reaches it; it sees its card without a carrier. */
  unplug(host: string): void {
    ip('-n', this.#switch, 'link', 'set', this.#portOf(host), 'down');
  }

  plugIn(host: string): void {
    ip('-n', this.#switch, 'link', 'set', this.#portOf(host), 'up');
  }

  /** What the host sends to these others is lost; what they send arrives. */
  muteTo(host: string, others: readonly string[]): void {
    others.forEach((other) => {
      const entry = [this.addressOf(other), 'lladdr', NOWHERE, 'nud', 'permanent', 'dev', 'eth0'];
      ip('-n', this.#namespaceOf(host), 'neigh', 'replace', ...entry);
    });
  }

  unmuteTo(host: string, others: readonly string[]): void {
    others.forEach((other) => ip('-n', this.#namespaceOf(host), 'neigh', 'del', this.addressOf(other), 'dev', 'eth0'));
  }

  /** What ran on the hosts has to be ended before. */
  close(): void {
    this.#made.splice(0).forEach((namespace) => ip('netns', 'del', namespace));
  }

  get #switch(): string {
    return `${this.#id}-switch`;
  }

  #namespaceOf(host: string): string {
    return `${this.#id}-${host}`;
  }

  #portOf(host: string): string {
    return `port-${host}`;
  }

  #make(): void {
    this.#add(this.#switch);
    ip('-n', this.#switch, 'link', 'add', 'name', 'switch', 'type', 'bridge');
    ip('-n', this.#switch, 'link', 'set', 'switch', 'up');
    for (const host of this.#hosts) {
      const namespace = this.#namespaceOf(host);
      const port = this.#portOf(host);
      this.#add(namespace);
      ip('-n', this.#switch, 'link', 'add', 'name', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      ip('-n', this.#switch, 'link', 'set', port, 'master', 'switch', 'up');
      ip('-n', namespace, 'addr', 'add', `${this.addressOf(host)}/24`, 'dev', 'eth0');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    }
  }

  #add(namespace: string): void {
    ip('netns', 'add', namespace);
    this.#made.push(namespace);
  }
}
