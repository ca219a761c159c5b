import type { Block } from "./block.ts";

/** Blocks as Markdown. Names of tables may hold anything: nothing in them can become markup. */
export function markdown(blocks: readonly Block[]): string {
  return `${blocks.map(blockText).join("\n\n")}\n`;
}

function blockText(block: Block): string {
  switch (block.is) {
    case "heading":
      return `${"#".repeat(block.level)} ${escaped(block.text)}`;
    case "text":
      return escaped(block.text);
    case "code": {
      const fence = fenceFor(block.lines);
      return [`${fence}${block.language}`, ...block.lines, fence].join("\n");
    }
    case "table":
      return [block.head, block.head.map(() => "---"), ...block.rows].map(row).join("\n");
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escaped).join(" | ")} |`;
}

function escaped(line: string): string {
  return line.replaceAll(/[\\`*_{}[\]<>#|~&!]/g, "\\$&").replaceAll(/[\r\n]+/g, " ");
}

/** Longer than any run of backticks inside. */
function fenceFor(lines: readonly string[]): string {
  const longest = Math.max(0, ...(lines.join("\n").match(/`+/g) ?? []).map((run) => run.length));
  return "`".repeat(Math.max(3, longest + 1));
}
