// Visits ports from wherever it runs, and prints what each said, as JSON. Argument, JSON: { tls?: { cert?, key? }, visits: [{ host,
// port, hex }] }. With `tls` it trusts everybody.
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';

const { tls, visits } = JSON.parse(process.argv[2]);
/** Whoever has said nothing by then says nothing. */
const PATIENCE_MS = 10_000;

const visit = ({ host, port, hex }) =>
  new Promise((resolve) => {
    const said = [];
    const say = () => socket.write(Buffer.from(hex, 'hex'));
    const socket =
      tls === undefined
        ? connectPlain({ host, port }, say)
        : connectTls({ host, port, ...tls, rejectUnauthorized: false }, say);
    const done = (end) => {
      clearTimeout(patience);
      socket.destroy();
      resolve({ host, port, said: Buffer.concat(said).toString('latin1'), end });
    };
    const patience = setTimeout(() => done('silence'), PATIENCE_MS);
    socket.on('data', (bytes) => {
      said.push(bytes);
      // The first bytes of a TLS alert are no answer: the end follows.
      if (tls !== undefined || bytes[0] !== 0x15) {
        done('answered');
      }
    });
    socket.on('error', () => done('refused'));
    socket.on('close', () => done('refused'));
  });

process.stdout.write(JSON.stringify(await Promise.all(visits.map(visit))));
