import { moment } from "@patina/core/wording";
import { clip } from "./clip.ts";
import { failuresFirst, linesOf } from "./database-lines.ts";
import type { EventLevel } from "./event.ts";
import { linkOf } from "./link.ts";
import type { DatabaseReport, Report } from "./report.ts";
import { wordsOf } from "./words.ts";

/** Slack's limits (docs.slack.dev/reference/block-kit/blocks). */
const MAX_HEADER = 150;
const MAX_SECTION = 3_000;
const MAX_BLOCKS = 50;

/**
 * Characters of all blocks together. Slack documents no limit; it refuses messages of about 13,200
 * (github.com/slackapi/bolt-js/issues/2509).
 */
const MAX_MESSAGE = 10_000;

const COLOURS: Record<EventLevel, string> = {
  failure: "#d23b3b",
  recovery: "#2ea043",
  warning: "#d29922",
  information: "#3b82d2",
};

const MARKS = { failed: "❌", waiting: "⏳", succeeded: "✅" };

type Text = { readonly type: "plain_text" | "mrkdwn"; readonly text: string };

export type Block =
  | { readonly type: "header" | "section"; readonly text: Text }
  | { readonly type: "context"; readonly elements: readonly Text[] };

/** The body of a Slack incoming webhook. */
export interface SlackMessage {
  /** What notifications show, and what a client shows that knows no blocks. */
  readonly text: string;
  readonly attachments: readonly [{ readonly color: string; readonly blocks: readonly Block[] }];
}

/**
 * The message for a Slack incoming webhook. Everything that comes from outside is `plain_text`, in which nothing formats
 * and nobody is mentioned.
 */
export function slackMessage(report: Report): SlackMessage {
  const { headline, detail, next } = wordsOf(report);
  const blocks: Block[] = [
    { type: "header", text: { type: "plain_text", text: clip(headline, MAX_HEADER) } },
    section(next === null ? detail : `${detail}\nNext: ${next}`),
  ];
  const end = [...linkBlocks(report), footer(report)];
  blocks.push(...databaseBlocks(report, { used: sizeOf([...blocks, ...end]), taken: blocks.length + end.length }));
  const color = report.event.kind === "job-completed" ? COLOURS.recovery : COLOURS[report.level];
  const text = escaped(clip(`${headline} (${report.environment})`, MAX_SECTION));
  return { text, attachments: [{ color, blocks: [...blocks, ...end] }] };
}

/** As many databases as fit; what is left out is counted, never dropped in silence. */
function databaseBlocks(report: Report, { used, taken }: { used: number; taken: number }): Block[] {
  const databases = failuresFirst(report.databases);
  const blocks: Block[] = [];
  let size = used;
  for (const [i, database] of databases.entries()) {
    const block = section(textOf(database, report));
    const rest = restBlock(databases.slice(i));
    const isLast = i === databases.length - 1;
    const needed = size + sizeOf([block]) + (isLast ? 0 : sizeOf([rest]));
    if (needed > MAX_MESSAGE || (!isLast && taken + blocks.length === MAX_BLOCKS - 1)) return [...blocks, rest];
    blocks.push(block);
    size += sizeOf([block]);
  }
  return blocks;
}

function textOf(database: DatabaseReport, report: Report): string {
  const lines = linesOf(database, report).map(({ label, text }) => (label === null ? text : `${label}: ${text}`));
  return [`${MARKS[database.state]} ${database.name}`, ...lines].join("\n");
}

function restBlock(left: readonly DatabaseReport[]): Block {
  const failed = left.filter(({ state }) => state === "failed").length;
  return section(`and ${left.length} more, ${failed} of them failed`);
}

function linkBlocks(report: Report): Block[] {
  const link = linkOf(report);
  if (link === null) return [];
  return [{ type: "section", text: { type: "mrkdwn", text: `<${escaped(link)}|Open in Patina>` } }];
}

function footer({ environment, id, at }: Report): Block {
  const text = `Patina · ${environment} · ${moment(at)} · ${id}\nArrives twice only if sending was interrupted.`;
  return { type: "context", elements: [{ type: "plain_text", text: clip(text, MAX_SECTION) }] };
}

function section(text: string): Block {
  return { type: "section", text: { type: "plain_text", text: clip(text, MAX_SECTION) } };
}

/** What Slack reads as the beginning of a link, a mention or an entity (docs.slack.dev/messaging/formatting-message-text). */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function sizeOf(blocks: readonly Block[]): number {
  return JSON.stringify(blocks).length;
}
