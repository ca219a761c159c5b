// The Node build by its file: wrangler resolves the bare name to pino's browser build, which ignores `redact`.
import pino, { type DestinationStream, type Logger } from "pino/pino.js";

export type Log = Logger;

/** Fields whose values never reach a log, at the root and up to three levels down. */
const SECRET_FIELDS = ["authorization", "cookie", "token", "secret", "password", "url", "webhook", "params", "sql"];

function secretPaths(): string[] {
  return ["", "*.", "*.*.", "*.*.*."].flatMap((above) => SECRET_FIELDS.map((field) => `${above}${field}`));
}

/**
 * The log of one Worker: one object per line, the level as the console's method, which is where Workers Logs takes it
 * from. An invocation may log 256 KB, so one line per step and never one per row.
 */
export function createLog(worker: string, destination: DestinationStream = consoleDestination()): Log {
  return pino(
    {
      base: { worker },
      timestamp: false,
      messageKey: "message",
      redact: { paths: secretPaths(), censor: "[redacted]" },
      serializers: { error: describeError },
    },
    destination,
  );
}

/** An error without its cause and stack: those may quote statements, and statements may quote rows. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = "code" in error ? { code: error.code } : {};
  return { name: error.name, ...code, message: error.message };
}

interface LeveledStream extends DestinationStream {
  lastLevel: number;
}

function consoleDestination(): DestinationStream {
  const stream: LeveledStream & Record<symbol, boolean> = {
    // Makes pino set lastLevel before each write.
    [Symbol.for("pino.metadata")]: true,
    lastLevel: 30,
    write(line: string) {
      const entry: unknown = JSON.parse(line);
      if (this.lastLevel >= 50) console.error(entry);
      else if (this.lastLevel >= 40) console.warn(entry);
      else if (this.lastLevel >= 30) console.log(entry);
      else console.debug(entry);
    },
  };
  return stream;
}
