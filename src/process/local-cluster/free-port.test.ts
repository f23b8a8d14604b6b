import type { AddressInfo, Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { listenIfFree, listenOnAny } from './free-port.ts';

const HOST = '127.0.0.1';
const servers: Server[] = [];

afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done)))));

const portOf = (server: Server | undefined): number => {
  servers.push(server!);
  return (server!.address() as AddressInfo).port;
};

test('any port is one that no system hands out by itself, and another one each time', async () => {
  const ports: number[] = [];
  for (let count = 0; count < 50; count++) {
    ports.push(portOf(await listenOnAny(HOST)));
  }
  expect(new Set(ports).size).toBe(50);
  expect(ports.filter((port) => port < 20_000 || port >= 32_768)).toEqual([]);
});

test('a port in use is not given, and is again when it is free', async () => {
  const port = portOf(await listenOnAny(HOST));
  expect(await listenIfFree(port, HOST)).toBeUndefined();
  await new Promise((done) => servers.pop()!.close(done));
  expect(portOf(await listenIfFree(port, HOST))).toBe(port);
});

test('an address of another machine is an error, not a port in use', async () => {
  await expect(listenOnAny('192.0.2.1')).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
});
