import type { RetentionFields } from "./retention-draft.ts";

interface NumberFacts {
  readonly name: keyof RetentionFields;
  readonly label: string;
  readonly unit: string;
  readonly fields: RetentionFields;
  readonly min?: number;
  readonly max?: number;
  /** What is allowed between whole numbers. */
  readonly step?: string;
  readonly placeholder?: string;
}

/** What is kept how long, to be set or to be looked at first. Without JavaScript, and without styles, all of it is shown. */
export function RetentionForm({ fields }: { fields: RetentionFields }) {
  return (
    <section class="panel" aria-label="Change what is kept">
      <header>
        <h2>Change what is kept</h2>
      </header>
      {/* What is broken is for the server to name, which knows the rules. */}
      <form class="body retention" method="post" action="/dashboard/retention" novalidate>
        <fieldset>
          <legend>Dumps of every database that has no retention of its own</legend>
          <label class="choice">
            <input type="radio" name="kind" value="age" checked={fields.kind !== "tiers"} /> By age: dailies for some
            days; the weekly archive has them after that
          </label>
          <div class="numbers age">
            <NumberField name="daily_days" label="Dailies" unit="days" fields={fields} min={1} max={36_600} />
          </div>
          <label class="choice">
            <input type="radio" name="kind" value="tiers" checked={fields.kind === "tiers"} /> In tiers: all for some
            days, then fewer and fewer
          </label>
          <div class="numbers tiers">
            <NumberField name="all_days" label="Every daily" unit="days" fields={fields} min={1} max={36_600} />
            <NumberField name="daily" label="Then one a day" unit="days" fields={fields} />
            <NumberField name="weekly" label="Then one a week" unit="weeks" fields={fields} />
            <NumberField name="monthly" label="Then one a month" unit="months" fields={fields} />
            <NumberField name="yearly" label="Then one a year" unit="years" fields={fields} />
          </div>
          <div class="numbers">
            <NumberField name="manual_days" label="Manual backups" unit="days" fields={fields} min={1} max={36_600} />
            <NumberField
              name="max_mb"
              label="One database takes at most"
              unit="MB"
              fields={fields}
              step="any"
              placeholder="no limit"
            />
          </div>
        </fieldset>
        <fieldset>
          <legend>For all databases together</legend>
          <div class="numbers">
            <NumberField name="weekly_weeks" label="Weekly archives" unit="weeks" fields={fields} min={1} max={5_200} />
            <NumberField
              name="verify_gb"
              label="A daily verification reads at most"
              unit="GB"
              fields={fields}
              step="any"
            />
            <NumberField name="drill_rows" label="Drills of a month write at most" unit="rows" fields={fields} />
          </div>
        </fieldset>
        <div class="actions">
          <button class="main" type="submit" formmethod="get" formaction="/dashboard/retention/preview">
            Preview
          </button>
          <button type="submit">Set it</button>
          <span class="soft">Nothing goes before the next prune.</span>
        </div>
      </form>
    </section>
  );
}

function NumberField({ name, label, unit, fields, min = 0, max, step = "1", placeholder }: NumberFacts) {
  return (
    <label>
      {label}
      <span>
        <input
          name={name}
          type="number"
          inputmode="decimal"
          min={min}
          max={max}
          step={step}
          value={fields[name]}
          placeholder={placeholder}
        />{" "}
        {unit}
      </span>
    </label>
  );
}
