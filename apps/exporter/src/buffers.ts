import { SEGMENT_BYTES } from "@patina/archive/gzip-writer";
import { PageRooms } from "@patina/dump/page-room";
import { Part } from "@patina/worker/part";

/** The large buffers of one export: two parts, a segment of SQL and two pages, together about 14 MB. */
export class Buffers {
  readonly parts = [new Part(), new Part()] as const;
  readonly segment = new Uint8Array(SEGMENT_BYTES);
  readonly rooms = new PageRooms();
}

/** Exports that run in one isolate at a time. */
const MOST_KEPT = 3;

const kept: Buffers[] = [];

/**
 * Buffers for an export. They are kept for the next one of this isolate: V8 counts what is left of them towards the
 * isolate's limit, and is in no hurry to clear it away.
 */
export function takeBuffers(): Buffers {
  return kept.pop() ?? new Buffers();
}

/** Gives buffers back into which nothing will be written any more: by an export that has ended, with nothing under way. */
export function giveBack(buffers: Buffers): void {
  for (const part of buffers.parts) part.clear();
  if (kept.length < MOST_KEPT) kept.push(buffers);
}
