import type { Logger } from '../../../foundation/common/logger.ts';
import type { Hello } from '../hello.ts';
import { anyPort, type PortRange } from '../port-range.ts';
import { defaultLimits, type RpcLimits } from '../rpc-limits.ts';
import { accepted, type ListenOptions, type RpcListener, type RpcTransport } from '../rpc-transport.ts';
import type { RpcContext } from '../rpc-context.ts';
import type { Clock } from '../../../foundation/common/clock.ts';
import { TestEndpoint, type TestConnection } from './test-protocol.ts';

/** One process of a test. */
export class TestProcess extends TestEndpoint {
  readonly log: string[] = [];
  readonly warnings: string[] = [];
  readonly transport: RpcTransport;
  readonly hello: Hello;
  listener: RpcListener | undefined;

  constructor(
    makeTransport: (context: RpcContext) => RpcTransport,
    clock: Clock,
    hello: Partial<Hello> = {},
    limits: Partial<RpcLimits> = {},
  ) {
    super();
    const resourceId = hello.resourceId ?? 'tm-1';
    this.hello = {
      protocolVersion: 1,
      packageVersion: '0.1.0',
      clusterId: 'test',
      role: 'taskmanager',
      instanceId: `${resourceId}-instance`,
      resourceId,
      ...hello,
    };
    this.transport = makeTransport({
      clock,
      limits: { ...defaultLimits, ...limits },
      logger: collectingLogger(this.log, this.warnings),
      self: () => this.hello,
    });
  }

  async listen(accept?: ListenOptions['accept'], ports: PortRange = anyPort, host = '127.0.0.1'): Promise<RpcListener> {
    this.listener = await this.transport.listen({
      host,
      ports,
      portsKey: 'jobmanager.rpc.port',
      accept:
        accept ??
        (() =>
          accepted(this.service, (connection) => {
            this.connections.push(connection);
          })),
    });
    return this.listener;
  }

  /** To the listener of `server`. */
  async connect(server: TestProcess): Promise<TestConnection> {
    const connection = await this.transport.connect(server.listener!.address, this.service);
    this.connections.push(connection);
    return connection;
  }
}

export interface TransportWorld {
  process(hello?: Partial<Hello>, limits?: Partial<RpcLimits>): TestProcess;
  /** Lets time pass until it holds; fails in the end. */
  until(condition: () => boolean, what?: string): Promise<void>;
  /** Lets time pass until it has settled. */
  settled<T>(promise: Promise<T>): Promise<T>;
  /** Lets this much time pass, by the clock of the processes. */
  pass(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

const collectingLogger = (lines: string[], warnings: string[]): Logger => {
  const add = (message: string): void => {
    lines.push(message);
  };
  const warn = (message: string): void => {
    add(message);
    warnings.push(message);
  };
  return { debug: add, info: add, warn, error: warn };
};
