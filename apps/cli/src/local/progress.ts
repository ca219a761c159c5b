import { amount, bytes, duration } from "@patina/core/wording";
import { cut } from "../output/cut.ts";
import type { JobView, TaskView } from "./job-view.ts";

/** Tells on standard error how a job goes: a line for each database that ends, and on a terminal what is under way. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #told = new Set<string>();
  #line = "";

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(job: JobView): void {
    for (const task of job.tasks) {
      if ((task.state !== "done" && task.state !== "failed") || this.#told.has(task.database)) continue;
      this.#told.add(task.database);
      this.#clear();
      this.#stream.write(`${ended(task)}\n`);
    }
    if (this.#stream.isTTY) this.#draw(underWay(job));
  }

  /** Takes away the line that shows what is under way. */
  end(): void {
    this.#clear();
  }

  #draw(line: string): void {
    if (line === this.#line) return;
    this.#clear();
    this.#stream.write(cut(line, this.#stream));
    this.#line = line;
  }

  #clear(): void {
    if (this.#line !== "") this.#stream.write("\r\u001B[2K");
    this.#line = "";
  }
}

function ended({ database, result, error, attempt }: TaskView): string {
  if (result === null) return `  failed     ${database}: ${error?.message ?? "no reason given"}`;
  const facts = `${amount(result.rows, "row")}, ${bytes(result.stored_bytes)}, ${duration(result.duration_ms)}`;
  return `  backed up  ${database}: ${facts}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
}

function underWay(job: JobView): string {
  if (job.status !== "running") return "";
  const done = job.tasks.filter(({ state }) => state === "done" || state === "failed").length;
  const running = job.tasks.filter(({ state }) => state === "running").map(({ database }) => database);
  const names = running.length === 0 ? "waiting" : `exporting ${running.join(", ")}`;
  return `  ${done} of ${job.tasks.length} done, ${names} ...`;
}
