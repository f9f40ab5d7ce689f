import { writeFileSync } from 'node:fs';
import { addUp, fails, passes, reasonOf, skips } from './summary.mjs';

/**
 * Vitest's own JSON report leaves out why a test was skipped and what broke outside of any test, so this one counts.
 * It writes to the file named by HEARTHNET_VITEST_REPORT.
 */
export default class CountsReporter {
  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<{ message?: string }>} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    const file = process.env.HEARTHNET_VITEST_REPORT;
    if (file === undefined) return;
    const broken = unhandled.map((error) => fails(`outside of any test: ${error.message ?? 'an error'}`));
    writeFileSync(file, JSON.stringify(addUp([...modules.flatMap(countModule), ...broken])));
  }
}

/** @param {import('vitest/node').TestModule} module */
const countModule = (module) => {
  const broken = module.errors().map((error) => fails(`${module.relativeModuleId}: ${error.message}`));
  return [
    ...broken,
    ...[...module.children.allSuites()].flatMap(countSuite),
    ...[...module.children.allTests()].map(countTest),
  ];
};

/** A hook that throws belongs to its suite and to no test. @param {import('vitest/node').TestSuite} suite */
const countSuite = (suite) => suite.errors().map((error) => fails(`${suite.fullName}: ${error.message}`));

/** @param {import('vitest/node').TestCase} test */
const countTest = (test) => {
  const result = test.result();
  const name = `${test.module.relativeModuleId} > ${test.fullName}`;
  if (result.state === 'passed') return passes(1);
  if (result.state === 'skipped') return skips(name, reasonOf(result.note));
  return fails(result.state === 'failed' ? name : `${name} did not end`);
};
