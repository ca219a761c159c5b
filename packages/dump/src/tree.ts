/**
 * Operands joined by an operator as a balanced tree: D1 allows an expression depth of 100, which a chain over a hundred
 * columns exceeds.
 */
export function tree(operands: readonly string[], operator: string): string {
  if (operands.length <= 1) return operands[0] ?? "''";
  const half = operands.length >> 1;
  return `(${tree(operands.slice(0, half), operator)}${operator}${tree(operands.slice(half), operator)})`;
}
