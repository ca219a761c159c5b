import { CRONS, nextRun } from "@patina/core/schedule";
import { decode, isLiveQueue, type Message } from "@patina/messages/message";
import type { AlertRef } from "./outbox.ts";

/** What is known of an open dead letter and of what it stood for. */
export interface OpenLetter {
  readonly queue: string;
  readonly body: string;
  readonly database: string | null;
  readonly generation: number | null;
  /** Its task; null when it has none, or when its job is gone. */
  readonly task: { readonly generation: number; readonly state: string } | null;
  /** When its job was to run; null when it has no job, or when that is gone. */
  readonly scheduledFor: number | null;
  readonly isRegistered: boolean;
  /** What became of its alert; null when it has none, or when its channel is gone. */
  readonly alertState: string | null;
}

/**
 * What replaying a letter means.
 *
 * - `rerun`: export the database again, in the same task with a raised generation
 * - `manual`: export it in a new manual job, because its own date has passed
 * - `report`: send the result again, with a raised generation; the backup exists and carries its own date
 * - `follow`: another letter of the same task was replayed; nothing more is to be done
 * - `alert`: send the alert again
 * - `resend`: send the message again as it was
 */
export type ReplayPlan =
  | { readonly do: "rerun" | "manual" | "report" | "follow" | "resend" }
  | { readonly do: "alert"; readonly alert: AlertRef }
  | { readonly do: "refuse"; readonly reason: string };

/** Decides what replaying a letter means at a moment. */
export function planReplay(letter: OpenLetter, now: number): ReplayPlan {
  const message = understand(letter);
  if (message === null) return refuse("its message cannot be understood");
  switch (message.kind) {
    case "alert-due":
      if (letter.alertState === null) return refuse("its channel or its event is gone");
      if (letter.alertState === "sent") return refuse("its alert was sent after all");
      return { do: "alert", alert: { event: message.event, channel: message.channel } };
    case "export-requested":
    case "export-abandoned":
    case "export-finished":
      return planTask(letter, { now, isReport: message.kind === "export-finished" });
    default:
      return { do: "resend" };
  }
}

function planTask(letter: OpenLetter, { now, isReport }: { now: number; isReport: boolean }): ReplayPlan {
  const { task, scheduledFor } = letter;
  const generation = letter.generation ?? 0;
  if (task !== null && task.generation > generation) return { do: "follow" };
  if (task?.state === "done") return refuse("its database was backed up in the same job after all");
  if (task !== null && task.state !== "failed") return refuse("its task is still under way");
  if (isReport) return task === null ? refuse("its job is gone") : { do: "report" };
  if (!letter.isRegistered) return refuse("its database is no longer registered");
  return { do: task === null || scheduledFor === null || isPast(scheduledFor, now) ? "manual" : "rerun" };
}

/**
 * Whether the database's next scheduled run has come since. From then on an export under the old job's date would give
 * one day's data the date of another.
 */
function isPast(scheduledFor: number, now: number): boolean {
  return nextRun(CRONS.nightly, scheduledFor) <= now;
}

/** The message that a letter is, or null. */
export function understand({ queue, body }: { readonly queue: string; readonly body: string }): Message | null {
  if (!isLiveQueue(queue)) return null;
  try {
    return decode(queue, JSON.parse(body));
  } catch {
    // It is refused with the reason that it is no message; what it is shows in the letter itself.
    return null;
  }
}

function refuse(reason: string): ReplayPlan {
  return { do: "refuse", reason };
}
