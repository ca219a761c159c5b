import { timestamp } from "@patina/core/date";
import { bytes, count, duration } from "@patina/core/wording";
import type { APIEmbed, APIEmbedField, RESTPostAPIWebhookWithTokenJSONBody } from "discord-api-types/v10";
import type { DatabaseReport, JobReport } from "./report.ts";

/** Discord's limits (discord.com/developers/docs/resources/message#embed-object-embed-limits). */
const MAX_FIELDS = 25;
const MAX_FIELD_VALUE = 1_024;
const MAX_EMBED = 6_000;

const COLOURS: Record<JobReport["kind"], number> = {
  "job-completed": 0x2e_a0_43,
  "job-failed": 0xd2_3b_3b,
  "job-slow": 0xd2_99_22,
};

/**
 * One message per event: colour, what happened, one field per database with the failed ones first and their details,
 * what was kept and what to do next. Names and texts are the user's own: nothing in them can mention or format.
 */
export function discordMessage(report: JobReport): RESTPostAPIWebhookWithTokenJSONBody {
  const embed: APIEmbed = {
    title: title(report),
    color: COLOURS[report.kind],
    description: description(report),
    timestamp: timestamp(report.now),
    footer: {
      text: `Patina · ${report.environment} · ${report.event}\nArrives twice only if sending was interrupted.`,
    },
    fields: [],
  };
  return { embeds: [withFields(embed, report.databases)], allowed_mentions: { parse: [] } };
}

function title({ kind, job }: JobReport): string {
  const databases = job.databases === 1 ? "1 database" : `${job.databases} databases`;
  switch (kind) {
    case "job-completed":
      return `${capital(job.kind)} backup complete: ${databases}`;
    case "job-failed":
      return `${capital(job.kind)} backup failed for ${job.failed} of ${databases}`;
    case "job-slow":
      return `${capital(job.kind)} backup is slow: still running`;
  }
}

function description({ kind, job, now }: JobReport): string {
  const lasted = duration((job.finishedAt ?? now) - job.startedAt);
  if (kind === "job-slow")
    return `Job \`${job.id}\` has been running for ${lasted}. Nothing is lost; look at its tasks.`;
  const stored = `${count(job.rows)} rows, ${bytes(job.rawBytes)} as ${bytes(job.storedBytes)} stored`;
  return `Job \`${job.id}\`: ${job.succeeded} succeeded, ${job.failed} failed in ${lasted}; ${stored}.`;
}

/** As many databases as Discord takes; what is left out is counted, never dropped in silence. */
function withFields(embed: APIEmbed, databases: readonly DatabaseReport[]): APIEmbed {
  const order = { failed: 0, waiting: 1, succeeded: 2 };
  const sorted = [...databases].sort((a, b) => order[a.state] - order[b.state]);
  const fields: APIEmbedField[] = [];
  let size = lengthOf(embed);
  for (const database of sorted) {
    const field = fieldOf(database);
    const left = sorted.length - fields.length;
    const room = MAX_EMBED - size - field.name.length - field.value.length;
    if (left > 1 && (fields.length === MAX_FIELDS - 1 || room < 200)) {
      const names = sorted.slice(fields.length).filter(({ state }) => state === "failed").length;
      fields.push({ name: `and ${left} more`, value: `${names} of them failed. See the job for all of them.` });
      break;
    }
    fields.push(field);
    size += field.name.length + field.value.length;
  }
  return { ...embed, fields };
}

function lengthOf({ title = "", description = "", footer }: APIEmbed): number {
  return title.length + description.length + (footer?.text.length ?? 0);
}

function fieldOf(database: DatabaseReport): APIEmbedField {
  const marks = { failed: "❌", waiting: "⏳", succeeded: "✅" };
  return {
    name: `${marks[database.state]} ${database.name}`,
    value: clip(database.state === "failed" ? failure(database) : success(database)),
    inline: database.state === "succeeded",
  };
}

function failure({ error, attempts, lastGood }: DatabaseReport): string {
  const tried = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const kept =
    lastGood === null
      ? "**There is no backup of this database yet.**"
      : `Last good backup: ${timestamp(lastGood.at)} (\`${lastGood.key}\`)`;
  if (error === null) return `Failed after ${tried}.\n${kept}`;
  return `${plain(error.message)}\n\`${error.code}\`, ${tried}\n${kept}\n**Next:** ${error.next}`;
}

function success({ state, rows, storedBytes, durationMs, consistency, warnings }: DatabaseReport): string {
  if (state === "waiting") return "Not finished yet.";
  const facts = `${count(rows ?? 0)} rows · ${bytes(storedBytes ?? 0)} · ${duration(durationMs ?? 0)} · ${consistency}`;
  return [facts, ...warnings.map((warning) => `⚠️ ${plain(warning)}`)].join("\n");
}

/** Text from outside, without Discord's formatting. */
function plain(text: string): string {
  return text.replaceAll(/[\\*_~`|<>[\]()#@]/g, "\\$&");
}

function clip(text: string): string {
  return text.length <= MAX_FIELD_VALUE ? text : `${text.slice(0, MAX_FIELD_VALUE - 1)}…`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
