import { setTimeout as wait } from "node:timers/promises";
import { whenInterrupted } from "../interruption.ts";

/** How often something that runs on the server is asked for: soon at first, then less and less often. */
const FIRST_MS = 200;
const MOST_MS = 5_000;

/**
 * Asks again until something has ended; what was asked for each time is shown.
 *
 * @param options.later the command that shows it to whoever does not wait for its end
 */
export async function untilEnded<T>(
  ask: () => Promise<T>,
  { hasEnded, show, later }: { hasEnded: (state: T) => boolean; show: (state: T) => void; later: string },
): Promise<T> {
  const forget = whenInterrupted(() => goesOn(later));
  try {
    for (let pause = FIRST_MS; ; pause = Math.min(MOST_MS, pause * 1.5)) {
      const state = await ask();
      show(state);
      if (hasEnded(state)) return state;
      await wait(pause);
    }
  } finally {
    forget();
  }
}

/** What somebody is told who leaves before something on the server has ended. */
export function goesOn(later: string): string {
  return `It goes on at the server: ${later} shows how far it came.`;
}
