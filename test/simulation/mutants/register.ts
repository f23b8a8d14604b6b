// Preloaded into processes that play schedules: loads the shipped code as the mutant that MILLRACE_MUTANT names.
import { loadChanged } from '../../code-changes.mjs';
import { MUTANTS } from './mutants.ts';

const name = process.env['MILLRACE_MUTANT'];

if (name !== undefined && name !== '') {
  const mutant = MUTANTS[name];
  if (mutant === undefined) {
    throw new Error(`MILLRACE_MUTANT is '${name}'; allowed: ${Object.keys(MUTANTS).join(', ')}`);
  }
  loadChanged(new URL('../../../src/', import.meta.url).href, mutant.changes);
}
