import { Command, Option } from "commander";
import { usageError } from "../failure.ts";
import { note, printData, printJson } from "../output/print.ts";
import { noteSum, previewOf, printEntries } from "../retention/preview.ts";
import { changed, describeSettings, keptWords, Settings, type SettingsChange } from "../retention/settings.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { size, whole } from "./values.ts";

/** `patina retention`: what is kept how long. */
export function retentionCommand(): Command {
  const retention = new Command("retention").description("Look at what is kept how long, and set it");
  retention.addCommand(showCommand());
  retention.addCommand(setCommand());
  return retention;
}

function showCommand(): Command {
  return apiCommand("show", "Show what is kept how long, and how much verifications and drills may use").action(
    async (options: ApiOptions) => {
      const settings = await apiOf(options).get("/retention", Settings);
      if (options.json) printJson(settings);
      else printData(describeSettings(settings));
    },
  );
}

const TIERS = ["allDays", "daily", "weekly", "monthly", "yearly"];

interface SetOptions extends ApiOptions, SettingsChange {
  readonly dryRun?: true;
}

function setCommand(): Command {
  const days = new Option("--daily-days <days>", "by age: dailies are kept for so many days");
  return apiCommand("set", "Set what is kept how long, for all databases; what is not named stays as it is")
    .addOption(days.argParser(whole).conflicts(TIERS))
    .option("--all-days <days>", "in tiers: every daily is kept for so many days", whole)
    .option("--daily <days>", "then one a day, for so many days", whole)
    .option("--weekly <weeks>", "then one a week, for so many weeks", whole)
    .option("--monthly <months>", "then one a month, for so many months", whole)
    .option("--yearly <years>", "then one a year, for so many years", whole)
    .option("--manual-days <days>", "manual backups are kept for so many days", whole)
    .option("--max-size <size>", "what one database may take, such as 5GB, or none", sizeOrNone)
    .option("--weekly-weeks <weeks>", "weekly archives are kept for so many weeks", whole)
    .option("--verify-size <size>", "what a day's verification may read, such as 50GB", size)
    .option("--drill-rows <rows>", "rows that the drills of a month may write", whole)
    .option("--dry-run", "only show what the next prune would remove if it were set")
    .action(async ({ api: named, json, dryRun, ...change }: SetOptions) => {
      if (Object.keys(change).length === 0) {
        throw usageError("Cannot set retention: nothing was said", "Give an option, such as --daily-days 14.");
      }
      const api = apiOf(named === undefined ? {} : { api: named });
      const body = changed(await api.get("/retention", Settings), change);
      if (dryRun) {
        const draft = { retention: JSON.stringify(body.retention), weekly_weeks: String(body.weekly_weeks) };
        const found = await previewOf(api, { decision: "remove", ...draft });
        if (json) printJson({ ...body, ...found });
        else printEntries(found);
        note(`Kept would be ${keptWords(body)}.`);
        noteSum(found);
        note("Nothing was set: this is a dry run.");
        return;
      }
      const settings = await api.send("PUT", "/retention", { body, schema: Settings });
      if (json) printJson(settings);
      else printData(describeSettings(settings));
      note("Nothing goes before the next prune: patina prune --dry-run shows what would.");
    });
}

function sizeOrNone(value: string): number | "none" {
  return value === "none" ? value : size(value);
}
