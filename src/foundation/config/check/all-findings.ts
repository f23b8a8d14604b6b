import type { CheckFacts } from './check-facts.ts';
import { ensembleFindings } from './ensemble-findings.ts';
import type { Finding, FindingLevel } from './finding.ts';
import { haFindings } from './ha-findings.ts';
import { keyFindings } from './key-findings.ts';
import { manifestFindings } from './manifest-findings.ts';
import { processFindings } from './process-findings.ts';
import { storageFindings } from './storage-findings.ts';
import { tickFindings } from './tick-findings.ts';

const FAMILIES = [
  keyFindings,
  haFindings,
  storageFindings,
  ensembleFindings,
  tickFindings,
  processFindings,
  manifestFindings,
] as const;

export const LEVELS: readonly FindingLevel[] = ['error', 'risk', 'hint'];

/** All that is to be said about a configuration, the gravest first. */
export const findingsOf = (facts: CheckFacts): readonly Finding[] =>
  bySeverity(FAMILIES.flatMap((family) => family(facts)));

export const bySeverity = (findings: readonly Finding[]): readonly Finding[] =>
  LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level));
