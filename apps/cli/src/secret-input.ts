import { CommandError, EXIT, usageError } from "./failure.ts";

/** Bytes of a secret at most: whatever is longer was not meant. */
const MAX_LENGTH = 10_000;

/**
 * Reads something that nobody is to see: from standard input when it is no terminal, else typed without an echo.
 *
 * @param prompt what is asked for on a terminal, such as `Address of the webhook`
 * @throws {CommandError} exit 2 when there is nothing
 */
export async function readSecret(prompt: string): Promise<string> {
  const secret = (process.stdin.isTTY ? await typed(`${prompt} (it is not shown): `) : await piped()).trim();
  if (secret !== "" && secret.length <= MAX_LENGTH) return secret;
  throw usageError(
    `Cannot read ${prompt.toLowerCase()}: ${secret === "" ? "nothing was given" : "it is too long"}`,
    "Type it when you are asked, or pipe it in: pass show webhook | patina alerts add ...",
  );
}

async function piped(): Promise<string> {
  let text = "";
  for await (const piece of process.stdin.setEncoding("utf8")) {
    text += String(piece);
    if (text.length > MAX_LENGTH) break;
  }
  return text;
}

async function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  // First: what is typed before would be echoed.
  stdin.setEncoding("utf8").setRawMode(true);
  stderr.write(prompt);
  try {
    return await new Promise((done, fail) => {
      let text = "";
      stdin.on("data", (piece) => {
        for (const key of String(piece)) {
          if (key === CTRL_C)
            fail(new CommandError("Interrupted, and nothing was changed", { exit: EXIT.interrupted }));
          if (key === "\r" || key === "\n" || key === CTRL_D) done(text);
          text = BACKSPACES.includes(key) ? text.slice(0, -1) : text + key;
        }
      });
    });
  } finally {
    stdin.removeAllListeners("data").setRawMode(false).pause();
    stderr.write("\n");
  }
}

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACES = ["\u007f", "\b"];
