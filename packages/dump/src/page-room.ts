import { Buffer } from "node:buffer";
import { Utf8Buffer } from "./utf8-buffer.ts";

/** Gives room for so many bytes, whatever is in there. */
export type Take = (bytes: number) => Buffer;

/**
 * Where the bytes of two pages of rows lie: the one in use and the one that is read meanwhile. The same room is used for
 * page after page, because V8 takes its time to clear away what is left of array buffers, and counts them until then.
 */
export class PageRooms {
  #room = new PageRoom();
  #other = new PageRoom();

  /** The room for one more page. What is in it is good until the next but one is asked for. */
  next(): PageRoom {
    [this.#room, this.#other] = [this.#other, this.#room];
    this.#room.clear();
    return this.#room;
  }
}

/** Bytes of a piece of room that is made for more than one value. */
const PIECE_BYTES = 262_144;

/** Bytes of pieces that are kept for the next page. */
const KEPT_BYTES = 2_500_000;

export class PageRoom {
  /** For the page as one text. */
  readonly text = new Utf8Buffer();
  #pieces: Buffer[] = [];
  /** The piece that is being filled, and how far. */
  #piece = 0;
  #at = 0;

  /** For one value, or anything else that is part of the page. */
  readonly take: Take = (bytes) => {
    for (; this.#piece < this.#pieces.length; this.#piece += 1, this.#at = 0) {
      const piece = this.#pieces[this.#piece];
      if (piece === undefined || this.#at + bytes > piece.length) continue;
      this.#at += bytes;
      return piece.subarray(this.#at - bytes, this.#at);
    }
    const piece = Buffer.alloc(Math.max(bytes, PIECE_BYTES));
    this.#pieces.push(piece);
    this.#at = bytes;
    return piece.subarray(0, bytes);
  };

  clear(): void {
    let kept = 0;
    this.#pieces = this.#pieces.filter(({ length }) => {
      kept += length;
      return kept <= KEPT_BYTES;
    });
    this.#piece = 0;
    this.#at = 0;
  }
}
