import { createServer } from "node:net";
import { usageError } from "../failure.ts";

/**
 * Makes sure that a port can be had.
 *
 * @throws {CommandError} exit 2 when something listens there already
 */
export async function checkPort(port: number): Promise<void> {
  if (port === 0) return;
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once("error", () =>
      reject(
        usageError(
          `Cannot listen on 127.0.0.1:${port}: the port is in use`,
          "Take another: --port 0 takes a free one.",
        ),
      ),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
