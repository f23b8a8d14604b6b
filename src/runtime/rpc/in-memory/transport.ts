import { Acceptor } from '../acceptor.ts';
import { openConnection, unreachable } from '../open-connection.ts';
import { noPortFree } from '../port-range.ts';
import { formatAddress, type RpcAddress } from '../rpc-address.ts';
import type { RpcConnection } from '../rpc-connection.ts';
import type { RpcContext } from '../rpc-context.ts';
import type { RpcProtocol, RpcService } from '../rpc-protocol.ts';
import type { ConnectOptions, ListenOptions, RpcListener, RpcTransport } from '../rpc-transport.ts';
import { InMemoryLink } from './link.ts';
import { InMemoryListener } from './listener.ts';
import type { InMemoryNetwork } from './network.ts';

/** Within this process; others reach it by the name of its host, whatever it listens on. */
export class InMemoryTransport implements RpcTransport {
  readonly host: string;
  readonly #network: InMemoryNetwork;
  readonly #context: RpcContext;
  #end: 'crashed' | 'lost' | undefined;

  constructor(network: InMemoryNetwork, host: string, context: RpcContext) {
    this.host = host;
    this.#network = network;
    this.#context = context;
  }

  /** @internal Its process is gone: nothing it has begun goes on. */
  crash(isHostLost: boolean): void {
    this.#end = isHostLost ? 'lost' : 'crashed';
  }

  connect<L extends RpcProtocol, R extends RpcProtocol>(
    address: RpcAddress,
    service: RpcService<L, R>,
    options: ConnectOptions = {},
  ): Promise<RpcConnection<R>> {
    const network = this.#network;
    const here = this.host;
    const to = formatAddress(address);
    return openConnection(to, service, this.#context, options, (opened, failed) => {
      let isCancelled = false;
      const out = network.pipe(here, address.host);
      const back = network.pipe(address.host, here);
      // As in TCP: a request, an answer, then messages.
      out.push(0, () => {
        const listener = network.listenerAt(to);
        if (listener === undefined) {
          back.push(0, () => this.#end ?? failed(unreachable(to, 'nothing listens there')));
          return;
        }
        const near = new InMemoryLink(to, out);
        const far = new InMemoryLink(formatAddress({ host: here, port: network.freePort() }), back);
        InMemoryLink.join(near, far);
        network.addLink(address.host, here, far);
        network.addLink(here, address.host, near);
        back.push(0, () => {
          if (isCancelled || this.#end === 'crashed') {
            near.destroy();
          } else if (this.#end === undefined) {
            opened(near);
          }
        });
        listener.visited(far);
      });
      return {
        cancel: () => {
          isCancelled = true;
        },
      };
    });
  }

  listen(options: ListenOptions): Promise<RpcListener> {
    const { ports, portsKey, accept } = options;
    const network = this.#network;
    for (const wanted of ports.ports) {
      const address = { host: this.host, port: wanted === 0 ? network.freePort() : wanted };
      const name = formatAddress(address);
      if (network.listenerAt(name) === undefined) {
        const acceptor = new Acceptor(this.#context, accept);
        const listener = new InMemoryListener(address, acceptor, () => network.removeListener(name));
        network.addListener(name, listener);
        return Promise.resolve(listener);
      }
    }
    return Promise.reject(noPortFree(this.host, ports, portsKey));
  }
}
