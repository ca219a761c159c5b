/** A line cut to what a terminal shows of it; 80 characters where it does not say how wide it is. */
export function cut(line: string, { columns }: { readonly columns?: number }): string {
  return line.slice(0, (columns || 80) - 1);
}
