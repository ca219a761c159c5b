import { cut } from "./cut.ts";

/** One line of standard error that says how something elsewhere goes; on a terminal drawn over, otherwise not told. */
export class StatusLine {
  readonly #stream: NodeJS.WriteStream;
  #line = "";

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  show(line: string): void {
    if (!this.#stream.isTTY || line === this.#line) return;
    this.#stream.write(`\r\u001B[2K${cut(line, this.#stream)}`);
    this.#line = line;
  }

  /** Takes the line away. */
  end(): void {
    if (this.#line !== "") this.#stream.write("\r\u001B[2K");
    this.#line = "";
  }
}
