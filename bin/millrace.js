#!/usr/bin/env node
// Kept in plain old JavaScript, so that an old Node gets a message instead of a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`millrace needs Node 22.22 or newer; this is ${process.versions.node}\n`);
  process.exit(1);
}
const { main } = await import('../dist/process/cli-main.js');
await main(process.argv);
