import { changeThresholds, readThresholds } from "@patina/catalog/thresholds";
import * as v from "valibot";
import { operation } from "../operation.ts";

const Minutes = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(10_080),
  v.description("A job that runs for longer is slow, in minutes; at most a week."),
);
const Percent = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1),
  v.maxValue(10_000),
  v.description("A backup that is further from the median of those before it deviates, in percent of that."),
);
const Hour = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(0),
  v.maxValue(23),
  v.description("The hour of the day from which on its summary is sent, in UTC."),
);

const Thresholds = v.strictObject({ slow_minutes: Minutes, deviation_percent: Percent, summary_hour: Hour });

const read = operation({
  method: "GET",
  path: "/thresholds",
  tag: "Alerts",
  summary: "What counts as slow or deviating, and when the daily summary is sent",
  answer: Thresholds,
  async handle(c) {
    return view(await readThresholds(c.get("context").catalog));
  },
});

const change = operation({
  method: "PATCH",
  path: "/thresholds",
  tag: "Alerts",
  summary: "Change what counts as slow or deviating, or when the daily summary is sent",
  body: { slow_minutes: v.optional(Minutes), deviation_percent: v.optional(Percent), summary_hour: v.optional(Hour) },
  answer: Thresholds,
  async handle(c, { body }) {
    const { catalog, clock } = c.get("context");
    const change = {
      ...(body.slow_minutes === undefined ? {} : { slowMinutes: body.slow_minutes }),
      ...(body.deviation_percent === undefined ? {} : { deviationPercent: body.deviation_percent }),
      ...(body.summary_hour === undefined ? {} : { summaryHour: body.summary_hour }),
    };
    const actor = { name: c.get("principal").name, request: c.get("request") };
    return view(await changeThresholds(catalog, { change, actor, now: clock() }));
  },
});

export const thresholds = [read, change];

function view({ slowMinutes, deviationPercent, summaryHour }: Awaited<ReturnType<typeof readThresholds>>) {
  return { slow_minutes: slowMinutes, deviation_percent: deviationPercent, summary_hour: summaryHour };
}
