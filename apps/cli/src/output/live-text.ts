import { cut } from "./cut.ts";

/** A text of several lines that is shown again and again: on a terminal in the same place. */
export class LiveText {
  readonly #stream: NodeJS.WriteStream;
  #lines = 0;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  show(text: string): void {
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    // No line may be wider than the terminal: it would take two places.
    const lines = text.split("\n").map((line) => cut(line, this.#stream));
    const back = this.#lines === 0 ? "" : `\u001B[${this.#lines}A\u001B[0J`;
    this.#stream.write(`${back}${lines.join("\n")}\n`);
    this.#lines = lines.length;
  }
}
