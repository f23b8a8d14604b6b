export { connectZooKeeper, type ZooKeeperOptions, type ZooKeeperSasl } from './connect-zookeeper.ts';
export type { SaslExchange, SaslMechanism } from './sasl.ts';
export type { ZooKeeperTls } from './tcp-transport.ts';
export type * from './zookeeper-client.ts';
export { ZooKeeperError, type ZooKeeperErrorCode } from './zookeeper-error.ts';
