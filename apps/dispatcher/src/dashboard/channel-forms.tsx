import { CHANNEL_KINDS, type ChannelKind, eventsFor } from "@patina/alerts/channel";
import { EVENTS, type EventKind } from "@patina/alerts/event";
import type { Thresholds } from "@patina/alerts/thresholds";

/** A box for each event that a channel of a kind can be told of. */
export function EventBoxes({ kind, chosen }: { kind: ChannelKind; chosen: readonly EventKind[] }) {
  return (
    <>
      {eventsFor(kind).map((event) => (
        <label>
          <input type="checkbox" name="events" value={event} checked={chosen.includes(event)} />{" "}
          <span>
            <strong>{event}</strong> <small>{EVENTS[event].about}</small>
          </span>
        </label>
      ))}
    </>
  );
}

/** What a new channel needs; what it is told of is changed afterwards. */
export function ChannelForm() {
  return (
    <section class="panel" aria-label="Add a channel">
      <header>
        <h2>Add a channel</h2>
      </header>
      <form class="body fields" method="post" action="/dashboard/alerts">
        <label>
          Name
          <input
            name="id"
            required
            maxlength={64}
            pattern="[a-z0-9][a-z0-9_\-]*"
            placeholder="ops"
            autocomplete="off"
          />
        </label>
        <label>
          Kind
          <select name="kind">
            {CHANNEL_KINDS.map((kind) => (
              <option value={kind}>{kind}</option>
            ))}
          </select>
        </label>
        <label>
          Address
          <input
            name="url"
            type="password"
            required
            maxlength={2000}
            placeholder="https://..."
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <p class="soft">It is encrypted and never shown again.</p>
        <button class="main" type="submit">
          Add
        </button>
      </form>
    </section>
  );
}

export function ThresholdsForm({ thresholds }: { thresholds: Thresholds }) {
  const { slowMinutes, deviationPercent, summaryHour } = thresholds;
  return (
    <section class="panel" aria-label="Thresholds">
      <header>
        <h2>What counts</h2>
      </header>
      <form class="body fields" method="post" action="/dashboard/alerts/thresholds">
        <label>
          A job is slow after so many minutes
          <input name="slow_minutes" type="number" min={1} max={10080} value={slowMinutes} required />
        </label>
        <label>
          A size deviates from the usual one by more than so many percent
          <input name="deviation_percent" type="number" min={1} max={10000} value={deviationPercent} required />
        </label>
        <label>
          The daily summary is sent from this hour on, UTC
          <input name="summary_hour" type="number" min={0} max={23} value={summaryHour} required />
        </label>
        <button type="submit">Save</button>
      </form>
    </section>
  );
}
