import ts from 'typescript';

/**
 * A function has at most 70 lines of its own. Lines of functions written inside it count for those: a factory is as long as its own
 * statements, so that closures may share state without being punished for standing beside each other.
 * @typedef {{ path: string, line: number, rule: string, sentence: string }} Breach
 */
export const functionLinesMax = 70;

/** @param {{ path: string, text: string }} file @returns {Breach[]} */
export const breachesOfFunctions = ({ path, text }) => {
  if (!/^(src|workers|signaling)\/.*\.ts$/.test(path)) return [];
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const breaches = [];
  const lineOf = (position) => tree.getLineAndCharacterOfPosition(position).line;
  const linesOf = (node) => lineOf(node.end) - lineOf(node.getStart(tree)) + 1;

  /** Lines of functions directly inside, which are not the outer one's own. A one-line closure takes nothing away. */
  const innerLines = (node) => {
    let total = 0;
    ts.forEachChild(node, (child) => {
      total += ts.isFunctionLike(child) ? linesOf(child) - 1 : innerLines(child);
    });
    return total;
  };
  const visit = (node) => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const own = linesOf(node) - innerLines(node);
      if (own > functionLinesMax) {
        breaches.push({
          path,
          line: lineOf(node.getStart(tree)) + 1,
          rule: 'function',
          sentence: `${own} lines of its own; ${functionLinesMax} is the most.`,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return breaches;
};
