import type { NewStep } from "@patina/catalog/prune-plans";

type Bare = Omit<NewStep, "state" | "note">;

export function planned(step: Bare): NewStep {
  return { ...step, state: "planned", note: null };
}

/** A step that is only told of. */
export function skipped(step: Bare, note: string): NewStep {
  return { ...step, state: "skipped", note };
}
