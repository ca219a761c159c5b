import { CHANNEL_KINDS } from "@patina/alerts/channel";
import { EVENT_KINDS } from "@patina/alerts/event";
import { amount } from "@patina/core/wording";
import { Command, InvalidArgumentError, Option } from "commander";
import * as v from "valibot";
import type { ApiClient } from "../api/client.ts";
import { choose } from "../choice.ts";
import { EXIT, usageError } from "../failure.ts";
import { ago } from "../output/ago.ts";
import { note, printData, printJson, tone } from "../output/print.ts";
import { type Column, table } from "../output/table.ts";
import { checkConfirmable, confirm } from "../restore/confirm.ts";
import { readSecret } from "../secret-input.ts";
import { type ApiOptions, apiCommand, apiOf } from "./command.ts";
import { limit, words } from "./values.ts";

/** `patina alerts`: the channels that people are told through. */
export function alertsCommand(): Command {
  const alerts = new Command("alerts").description("Look after the channels that alerts go to");
  alerts.addCommand(listCommand());
  alerts.addCommand(addCommand());
  alerts.addCommand(changeCommand());
  alerts.addCommand(removeCommand());
  alerts.addCommand(testCommand());
  alerts.addCommand(deliveriesCommand());
  return alerts;
}

const Channel = v.object({
  id: v.string(),
  kind: v.string(),
  enabled: v.boolean(),
  events: v.array(v.string()),
  host: v.nullable(v.string()),
  secret: v.nullable(v.string()),
  created_at: v.string(),
  updated_at: v.string(),
});
type Channel = v.InferOutput<typeof Channel>;

const Channels = v.object({ channels: v.array(Channel) });
const Saved = v.object({ channel: Channel, signing_key: v.nullable(v.string()) });

const CHANNEL_HELP = "a channel, or the beginning of its name";

/** The channel that somebody means, by its name or the beginning of it. */
async function channelMeant(api: ApiClient, typed: string): Promise<string> {
  const { channels } = await api.get("/alerts", Channels);
  return choose(typed, { names: channels.map(({ id }) => id), thing: "channel" });
}

function listCommand(): Command {
  return apiCommand("list", "List the channels; of an address only the host is shown").action(
    async (options: ApiOptions) => {
      const { channels } = await apiOf(options).get("/alerts", Channels);
      if (options.json) printJson({ channels });
      else if (channels.length > 0) printData(table(channels, COLUMNS));
      if (channels.length === 0)
        note("There are no channels: nobody is told of anything. patina alerts add makes one.");
    },
  );
}

const COLUMNS: readonly Column<Channel>[] = [
  { head: "channel", value: ({ id }) => id },
  { head: "kind", value: ({ kind }) => kind },
  {
    head: "state",
    value: ({ enabled }) => (enabled ? "on" : "off"),
    show: ({ enabled }) => (enabled ? tone("good", "on") : tone("quiet", "off")),
  },
  { head: "address", value: ({ host, secret }) => host ?? (secret === null ? "-" : `secret ${secret}`) },
  { head: "events", value: ({ events }) => events.join(",") },
];

/** Where an address comes from: never an argument, which others on the machine can see, unless somebody wants it so. */
interface AddressOptions {
  readonly url?: string;
}

const URL_HELP =
  "the address, for all on this machine to see; without it, it is asked for, or read from standard input";

async function addressOf({ url }: AddressOptions): Promise<string> {
  return url ?? (await readSecret("Address of the webhook"));
}

function events(value: string, all: readonly string[] = []): string[] {
  const named = words(value, all);
  const unknown = named.find((word) => !(EVENT_KINDS as readonly string[]).includes(word));
  if (unknown === undefined) return named;
  throw new InvalidArgumentError(`There is no event "${unknown}". There are ${EVENT_KINDS.join(", ")}.`);
}

interface AddOptions extends ApiOptions, AddressOptions {
  readonly kind: string;
  readonly events?: string[];
  readonly off?: true;
}

function addCommand(): Command {
  return apiCommand("add", "Add a channel; its address is typed unseen, or piped in")
    .argument("<channel>", "what to call it")
    .addOption(new Option("--kind <kind>", "what takes the messages").choices(CHANNEL_KINDS).makeOptionMandatory())
    .option("--events <events>", "what it is told, between commas; failures and recovery when absent", events)
    .option("--off", "do not send to it yet")
    .option("--url <address>", URL_HELP)
    .action(async (id: string, options: AddOptions) => {
      const body = {
        id,
        kind: options.kind,
        url: await addressOf(options),
        ...(options.events === undefined ? {} : { events: options.events }),
        ...(options.off ? { enabled: false } : {}),
      };
      const saved = await apiOf(options).send("POST", "/alerts", { body, schema: Saved });
      tell(saved, options);
      if (options.kind === "webhook" && saved.signing_key === null) {
        note(`Its signing key was lost on the way: patina alerts change ${id} --address gives it another one.`);
      }
      note(`Added ${id}. patina alerts test ${id} sends a message to it.`);
    });
}

interface ChangeOptions extends ApiOptions, AddressOptions {
  readonly events?: string[];
  readonly on?: true;
  readonly off?: true;
  readonly address?: true;
}

function changeCommand(): Command {
  return apiCommand("change", "Change a channel: its address, its events, whether it is on")
    .argument("<channel>", CHANNEL_HELP)
    .option("--events <events>", "what it is told, between commas", events)
    .addOption(new Option("--on", "send to it").conflicts("off"))
    .option("--off", "do not send to it")
    .option("--address", "give it another address, typed unseen or piped in")
    .option("--url <address>", URL_HELP)
    .action(async (typed: string, options: ChangeOptions) => {
      const isMoved = options.address === true || options.url !== undefined;
      if (!isMoved && options.events === undefined && !options.on && !options.off) {
        throw usageError(`Cannot change "${typed}": nothing was said`, "Give an option, such as --off or --address.");
      }
      const api = apiOf(options);
      const id = await channelMeant(api, typed);
      const body = {
        ...(options.events === undefined ? {} : { events: options.events }),
        ...(options.on || options.off ? { enabled: options.on === true } : {}),
        ...(isMoved ? { url: await addressOf(options) } : {}),
      };
      tell(await api.send("PATCH", `/alerts/${id}`, { body, schema: Saved }), options);
    });
}

function tell({ channel, signing_key }: v.InferOutput<typeof Saved>, { json }: ApiOptions): void {
  if (json) printJson({ channel, signing_key });
  else printData(table([channel], COLUMNS));
  if (signing_key === null) return;
  if (!json) printData(`signing key\t${signing_key}`);
  note("Its messages are signed with this key, which is shown this once.");
}

interface RemoveOptions extends ApiOptions {
  readonly yes?: true;
}

function removeCommand(): Command {
  return apiCommand("remove", "Remove a channel with its deliveries")
    .argument("<channel>", CHANNEL_HELP)
    .option("--yes", "remove it without asking")
    .action(async (typed: string, options: RemoveOptions) => {
      const api = apiOf(options);
      const id = await channelMeant(api, typed);
      const isAgreed = options.yes === true;
      checkConfirmable(id, { isAgreed, verb: "remove" });
      await confirm(id, { isAgreed, verb: "remove" });
      const removed = await api.send("DELETE", `/alerts/${id}`, { schema: v.object({ removed: v.string() }) });
      if (options.json) printJson(removed);
      else printData(removed.removed);
      note(`Removed ${id}.`);
    });
}

function testCommand(): Command {
  return apiCommand("test", "Send a test message to a channel now; exit code 4 when it is not taken")
    .argument("<channel>", CHANNEL_HELP)
    .action(async (typed: string, options: ApiOptions) => {
      const api = apiOf(options);
      const id = await channelMeant(api, typed);
      const schema = v.object({ sent: v.boolean(), reason: v.nullable(v.string()) });
      const { sent, reason } = await api.send("POST", `/alerts/${id}/test`, { schema });
      if (options.json) printJson({ channel: id, sent, reason });
      else printData(sent ? `${id} has taken the test message.` : `${id} has not taken it: ${reason ?? "no reason"}`);
      process.exitCode = sent ? EXIT.ok : EXIT.findings;
    });
}

const Delivery = v.object({
  event: v.string(),
  kind: v.string(),
  state: v.string(),
  attempts: v.number(),
  created_at: v.string(),
  sent_at: v.nullable(v.string()),
  error: v.nullable(v.string()),
});
type Delivery = v.InferOutput<typeof Delivery>;

const Deliveries = v.object({ deliveries: v.array(Delivery), next: v.nullable(v.string()) });

interface DeliveriesOptions extends ApiOptions {
  readonly limit: number;
}

function deliveriesCommand(): Command {
  return apiCommand("deliveries", "Show what became of a channel's alerts, the newest first")
    .argument("<channel>", CHANNEL_HELP)
    .option("--limit <number>", "at most so many", limit, 50)
    .action(async (typed: string, options: DeliveriesOptions) => {
      const api = apiOf(options);
      const id = await channelMeant(api, typed);
      const found: Delivery[] = [];
      for (let before: string | null = ""; before !== null && found.length < options.limit; ) {
        const at: string = before === "" ? "" : `?before=${before}`;
        const page: v.InferOutput<typeof Deliveries> = await api.get(`/alerts/${id}/deliveries${at}`, Deliveries);
        found.push(...page.deliveries);
        before = page.next;
      }
      const shown = found.slice(0, options.limit);
      if (options.json) printJson({ channel: id, deliveries: shown });
      else if (shown.length > 0) printData(table(shown, DELIVERIES));
      note(shown.length === 0 ? "Nothing was sent to it yet." : `${amount(shown.length, "alert")}.`);
    });
}

const DELIVERIES: readonly Column<Delivery>[] = [
  ago("raised", ({ created_at }) => created_at),
  { head: "event", value: ({ event }) => event },
  { head: "state", value: ({ state }) => state },
  { head: "attempts", value: ({ attempts }) => attempts },
  ago("sent", ({ sent_at }) => sent_at),
  { head: "error", value: ({ error }) => error ?? "" },
];
