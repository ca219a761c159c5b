import { timestamp } from "@patina/core/date";
import type { APIEmbed, APIEmbedField, RESTPostAPIWebhookWithTokenJSONBody } from "discord-api-types/v10";
import { clip } from "./clip.ts";
import { failuresFirst, linesOf } from "./database-lines.ts";
import type { EventLevel } from "./event.ts";
import { linkOf } from "./link.ts";
import type { DatabaseReport, Report } from "./report.ts";
import { wordsOf } from "./words.ts";

/** Discord's limits (discord.com/developers/docs/resources/message#embed-object-embed-limits). */
const MAX_FIELDS = 25;
const MAX_FIELD_NAME = 256;
const MAX_FIELD_VALUE = 1_024;
const MAX_TITLE = 256;
const MAX_EMBED = 6_000;

/** Ours: what is left of the embed belongs to the databases. */
const MAX_DESCRIPTION = 1_500;
const MAX_FOOTER = 500;

const COLOURS: Record<EventLevel, number> = {
  failure: 0xd2_3b_3b,
  recovery: 0x2e_a0_43,
  warning: 0xd2_99_22,
  information: 0x3b_82_d2,
};
const GREEN = COLOURS.recovery;

const MARKS = { failed: "❌", waiting: "⏳", succeeded: "✅" };

/**
 * One message per event: colour, what happened, one field per database with the failed ones first and their details,
 * what was kept and what to do next. Names and texts are the user's own: nothing in them can mention or format.
 */
export function discordMessage(report: Report): RESTPostAPIWebhookWithTokenJSONBody {
  const { headline, detail, next } = wordsOf(report);
  const link = linkOf(report);
  const about = [plain(detail), ...(next === null ? [] : [`**Next:** ${plain(next)}`])].join("\n");
  const embed: APIEmbed = {
    title: clip(plain(headline), MAX_TITLE),
    color: report.event.kind === "job-completed" ? GREEN : COLOURS[report.level],
    description: clip(about, MAX_DESCRIPTION),
    timestamp: timestamp(report.at),
    footer: {
      text: clip(
        `Patina · ${report.environment} · ${report.id}\nArrives twice only if sending was interrupted.`,
        MAX_FOOTER,
      ),
    },
    ...(link === null ? {} : { url: link }),
  };
  return { embeds: [{ ...embed, fields: fieldsOf(report, embed) }], allowed_mentions: { parse: [] } };
}

/** As many databases as Discord takes; what is left out is counted, never dropped in silence. */
function fieldsOf(report: Report, embed: APIEmbed): APIEmbedField[] {
  const databases = failuresFirst(report.databases);
  const fields: APIEmbedField[] = [];
  let room = MAX_EMBED - lengthOf(embed);
  for (const [i, database] of databases.entries()) {
    const field = fieldOf(database, report);
    const rest = restField(databases.slice(i), linkOf(report));
    const isLast = i === databases.length - 1;
    const needed = sizeOf(field) + (isLast ? 0 : sizeOf(rest));
    if (needed > room || (!isLast && fields.length === MAX_FIELDS - 1)) return [...fields, rest];
    fields.push(field);
    room -= sizeOf(field);
  }
  return fields;
}

function restField(left: readonly DatabaseReport[], link: string | null): APIEmbedField {
  const failed = left.filter(({ state }) => state === "failed").length;
  const where = link === null ? "The job has all of them." : `[All of them](${link})`;
  return { name: `and ${left.length} more`, value: clip(`${failed} of them failed. ${where}`, MAX_FIELD_VALUE) };
}

function fieldOf(database: DatabaseReport, report: Report): APIEmbedField {
  const lines = linesOf(database, report).map(({ label, text }) =>
    label === null ? plain(text) : `**${label}:** ${plain(text)}`,
  );
  return {
    name: clip(`${MARKS[database.state]} ${database.name}`, MAX_FIELD_NAME),
    value: clip(lines.join("\n"), MAX_FIELD_VALUE),
    inline: database.state === "succeeded",
  };
}

function lengthOf({ title = "", description = "", footer }: APIEmbed): number {
  return title.length + description.length + (footer?.text.length ?? 0);
}

function sizeOf({ name, value }: APIEmbedField): number {
  return name.length + value.length;
}

/** Text from outside, without Discord's formatting. */
function plain(text: string): string {
  return text.replaceAll(/[\\*_~`|<>[\]()#@]/g, "\\$&");
}
