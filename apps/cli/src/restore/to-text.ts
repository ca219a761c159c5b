import { AtomicFile } from "../files/atomic-file.ts";
import type { Content } from "./content.ts";

/**
 * `plain`: as the dump has it, for sqlite3. `d1`: without the lines of the transaction, which D1's import refuses.
 */
export type Form = "plain" | "d1";

/** The SQL of a content as text, in a form. */
export async function* textOf(content: Content, form: Form): AsyncGenerator<string> {
  if (content.tables === null) {
    yield* form === "plain" ? content.pieces() : withoutTransaction(content.pieces());
    return;
  }
  if (form === "plain") yield "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n";
  yield* content.pieces();
  if (form === "plain") yield "COMMIT;\nPRAGMA foreign_keys=ON;\n";
}

/**
 * Takes out the dump's own two lines and nothing else: a definition may hold lines like them. The first is at the very
 * beginning, the last in one of the last two pieces.
 */
async function* withoutTransaction(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const held: string[] = [];
  let isFirst = true;
  for await (const piece of pieces) {
    held.push(isFirst ? piece.replace(/^(PRAGMA foreign_keys=OFF;\n)?BEGIN TRANSACTION;\n/, "$1") : piece);
    isFirst = false;
    if (held.length > 2) yield held.shift() ?? "";
  }
  const end = held.join("");
  const at = end.lastIndexOf("COMMIT;\nPRAGMA foreign_keys=ON;\n");
  yield at < 0 ? end : end.slice(0, at) + end.slice(at + "COMMIT;\n".length);
}

/** Writes the SQL to standard output, no faster than it is read there; the number of bytes. */
export async function writeToStdout(
  content: Content,
  { form, onProgress }: { form: Form; onProgress: (bytes: number) => void },
): Promise<number> {
  let done = 0;
  for await (const text of textOf(content, form)) {
    if (!process.stdout.write(text)) await new Promise((more) => process.stdout.once("drain", more));
    done += Buffer.byteLength(text);
    onProgress(done);
  }
  return done;
}

/** Writes the SQL to a file, which gets its name when it is complete; the number of bytes. */
export async function writeToFile(
  content: Content,
  { form, path, onProgress }: { form: Form; path: string; onProgress: (bytes: number) => void },
): Promise<number> {
  const file = new AtomicFile(path);
  let done = 0;
  try {
    for await (const text of textOf(content, form)) {
      const bytes = Buffer.from(text);
      file.write(bytes);
      done += bytes.length;
      onProgress(done);
    }
    file.finish();
    return done;
  } catch (error) {
    file.abandon();
    throw error;
  }
}
