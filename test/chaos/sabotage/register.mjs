// Preloaded into the processes of a cluster and their worker threads (NODE_OPTIONS=--import=...): loads the shipped code with the changes
// of the sabotage that MILLRACE_SABOTAGE names.
import { loadChanged } from '../../code-changes.mjs';
import { changesOf } from './sabotages.mjs';

const name = process.env.MILLRACE_SABOTAGE;

if (name !== undefined && name !== '') {
  loadChanged(new URL('../../../dist/', import.meta.url).href, changesOf(name));
}
