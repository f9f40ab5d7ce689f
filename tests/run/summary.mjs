/**
 * What one part of `npm test` comes back with.
 * @typedef {{ passed: number, failed: number, skipped: Array<{ name: string, reason: string }>, failures: string[] }} Counts
 */

const withoutReason = 'no reason given';

/** @param {number} passed @returns {Counts} */
export const passes = (passed) => ({ passed, failed: 0, skipped: [], failures: [] });

/** @param {string} sentence @returns {Counts} */
export const fails = (sentence) => ({ passed: 0, failed: 1, skipped: [], failures: [sentence] });

/** @param {string} name @param {string} reason @returns {Counts} */
export const skips = (name, reason) => ({ passed: 0, failed: 0, skipped: [{ name, reason }], failures: [] });

/** @param {Counts[]} parts @returns {Counts} */
export const addUp = (parts) => ({
  passed: parts.reduce((sum, part) => sum + part.passed, 0),
  failed: parts.reduce((sum, part) => sum + part.failed, 0),
  skipped: parts.flatMap((part) => part.skipped),
  failures: parts.flatMap((part) => part.failures),
});

/**
 * The last line of `npm test`.
 * @param {Counts} total
 */
export const summaryLine = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`;

/**
 * A part that ran to its end counts what it counted; one that broke counts one failure more, or it would look like success.
 * @param {Counts | null} counted null where it left no report
 * @param {{ code: number, timedOut: boolean, limitMs: number, name: string }} end
 * @returns {Counts}
 */
export const closePart = (counted, { code, timedOut, limitMs, name }) => {
  const counts = counted ?? passes(0);
  if (timedOut) return addUp([counts, fails(`${name} was ended after ${Math.round(limitMs / 60_000)} minutes.`)]);
  if (counted === null) return fails(`${name} ended with code ${code} and left no report.`);
  if (code !== 0 && counts.failed === 0) return addUp([counts, fails(`${name} ended with code ${code}.`)]);
  if (counts.passed + counts.failed + counts.skipped.length === 0) return fails(`${name} found no test to run.`);
  return counts;
};

/**
 * The report of vitest-report.mjs, which is these counts already.
 * @param {string} text
 * @returns {Counts}
 */
export const readVitest = (text) => JSON.parse(text);

/**
 * Playwright's JSON report: suites in suites, each with specs, each with one test a project.
 * @param {string} text
 * @returns {Counts}
 */
export const readPlaywright = (text) => {
  const report = JSON.parse(text);
  const counts = addUp((report.suites ?? []).flatMap((/** @type {any} */ suite) => specsOf(suite, '')));
  const broken = (report.errors ?? []).map((/** @type {{ message?: string }} */ error) =>
    fails(error.message ?? 'playwright broke'),
  );
  return addUp([counts, ...broken]);
};

/**
 * @param {any} suite
 * @param {string} above
 * @returns {Counts[]}
 */
const specsOf = (suite, above) => {
  const title = above === '' ? suite.title : `${above} > ${suite.title}`;
  const own = (suite.specs ?? []).flatMap((/** @type {any} */ spec) =>
    spec.tests.map((/** @type {any} */ test) => countSpec(`${title} > ${spec.title}`, test)),
  );
  return [...own, ...(suite.suites ?? []).flatMap((/** @type {any} */ inner) => specsOf(inner, title))];
};

/**
 * @param {string} name
 * @param {{ status: string, annotations?: Array<{ type: string, description?: string }> }} test
 */
const countSpec = (name, test) => {
  if (test.status === 'expected') return passes(1);
  if (test.status !== 'skipped') return fails(name);
  const note = (test.annotations ?? []).find(({ type }) => type === 'skip' || type === 'fixme');
  return skips(name, note?.description ?? withoutReason);
};

/**
 * The last line that is a JSON object with both counts; how the simulator reports.
 * @param {string} output
 * @returns {Counts | null}
 */
export const readLastJson = (output) => {
  for (const line of output.trim().split('\n').reverse()) {
    if (!line.startsWith('{')) continue;
    try {
      const { passed, failed } = JSON.parse(line);
      if (Number.isInteger(passed) && Number.isInteger(failed)) {
        return {
          passed,
          failed,
          skipped: [],
          failures: failed > 0 ? [`${failed} of ${passed + failed} runs; see above.`] : [],
        };
      }
    } catch (notJson) {
      if (!(notJson instanceof SyntaxError)) throw notJson;
    }
  }
  return null;
};

/**
 * A line for a skipped test without a reason says so too.
 * @param {string | undefined} note
 */
export const reasonOf = (note) => (note === undefined || note === '' ? withoutReason : note);
