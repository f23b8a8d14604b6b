import { connectZooKeeper } from '../../../src/coordination/zookeeper/client/connect-zookeeper.ts';

/*
 * A client in a process of its own, to be paused, killed and left. Arguments: connect string, session timeout. Prints a line for each
 * change of the state, and what became of a read that began every 50 ms when it is not `ok`.
 */
const [connectString = '', timeoutMs = ''] = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const client = connectZooKeeper({ connectString, sessionTimeoutMs: Number(timeoutMs) });
client.onState((state) => say(state === 'connected' ? `connected ${client.session!.id}` : state));
await client.create('/held', new Uint8Array(0), { mode: 'ephemeral' });
say('holds');
setInterval(() => {
  client.get('/').catch((error: Error & { code?: string }) => say(`get ${error.code}`));
}, 50);
process.stdin.on('data', () => {
  // The process ends in the same turn: what close has to say must be said by then.
  void client.close();
  process.exit(0);
});
