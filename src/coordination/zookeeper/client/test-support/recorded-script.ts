import type { ZooKeeperClient } from '../zookeeper-client.ts';
import { ZooKeeperError } from '../zookeeper-error.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One of each operation. Returns what came of them, with what differs from run to run left out. */
export const playRecordedScript = async (client: ZooKeeperClient): Promise<readonly string[]> => {
  const lines: string[] = [];
  const line = (name: string, value: unknown): void => {
    const text = JSON.stringify(value, (key, each: unknown) =>
      typeof each === 'bigint' || key.endsWith('AtMs') ? 0 : each instanceof Uint8Array ? [...each] : each,
    );
    lines.push(`${name} ${text ?? 'nothing'}`);
  };
  const note = async (name: string, promise: Promise<unknown>): Promise<void> => {
    try {
      line(name, await promise);
    } catch (error) {
      line(name, error instanceof ZooKeeperError ? error.code : String(error));
    }
  };
  const watch = ({ kind, path }: { readonly kind: string; readonly path: string }): void => line('event', [kind, path]);
  await note('create', client.create('/recorded', bytes('one')));
  await note('create again', client.create('/recorded', bytes('one')));
  await note('sequential', client.create('/recorded/s-', bytes(''), { mode: 'ephemeral-sequential' }));
  await note('container', client.create('/recorded/c', bytes(''), { mode: 'container' }));
  await note('get', client.get('/recorded', watch));
  await note('exists', client.exists('/recorded/none', watch));
  await note('children', client.children('/recorded', watch));
  await note('set', client.set('/recorded', bytes('two'), 0));
  await note('set another version', client.set('/recorded', bytes('two'), 0));
  await note('create none', client.create('/recorded/none', bytes('')));
  await note('delete none', client.delete('/recorded/none'));
  await note(
    'acl',
    client.getAcl('/recorded').then(({ acl }) => acl),
  );
  await note(
    'set acl',
    client.setAcl('/recorded', [{ scheme: 'world', id: 'anyone', permissions: ['read', 'write', 'create', 'delete'] }]),
  );
  await note('set acl again', client.setAcl('/recorded', []));
  await note('sync', client.sync('/recorded'));
  await note('who', client.whoAmI());
  await note('auth', client.addAuth('digest', bytes('me:secret')));
  const persistent = client.addWatch('/recorded', 'persistent', watch);
  await note('persistent', persistent);
  const recursive = client.addWatch('/recorded/c', 'persistent-recursive', watch);
  await note('recursive', recursive);
  await playMulti(client, note);
  await note('remove', (await recursive).remove());
  await note('delete', client.delete('/recorded'));
  return lines;
};

/** Several operations in one request. */
const playMulti = async (
  client: ZooKeeperClient,
  note: (name: string, promise: Promise<unknown>) => Promise<void>,
): Promise<void> => {
  await note(
    'multi',
    client.multi([
      { kind: 'check', path: '/recorded', version: 1 },
      { kind: 'create', path: '/recorded/c/x', data: bytes('x') },
      { kind: 'set', path: '/recorded', data: bytes('three') },
      { kind: 'create', path: '/recorded/c/y', data: bytes(''), options: { mode: 'container' } },
      { kind: 'delete', path: '/recorded/c/x' },
    ]),
  );
  await note(
    'multi that fails',
    client
      .multi([
        { kind: 'check', path: '/recorded', version: -1 },
        { kind: 'check', path: '/recorded', version: 0 },
        { kind: 'delete', path: '/recorded' },
      ])
      .then((outcome) => (outcome.ok ? 'ok' : [outcome.index, outcome.error.code])),
  );
  await note(
    'reads in one',
    client
      .multiRead([
        { kind: 'get', path: '/recorded' },
        { kind: 'get', path: '/recorded/c/x' },
        { kind: 'children', path: '/recorded/c' },
      ])
      .then((results) => results.map((each) => (each.kind === 'error' ? each.error.code : each))),
  );
};
