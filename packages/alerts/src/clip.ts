/** A text of at most `limit` UTF-16 units: what is cut off leaves an ellipsis, and no half of a character or escape. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit - 1).replace(/[\ud800-\udbff\\\s]+$/, "")}…`;
}
