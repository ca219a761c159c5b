import { setTimeout as wait } from "node:timers/promises";

/** How often something that runs on the server is asked for: soon at first, then less and less often. */
const FIRST_MS = 200;
const MOST_MS = 5_000;

/** Asks again until something has ended; what was asked for each time is shown. */
export async function untilEnded<T>(
  ask: () => Promise<T>,
  { hasEnded, show }: { hasEnded: (state: T) => boolean; show: (state: T) => void },
): Promise<T> {
  for (let pause = FIRST_MS; ; pause = Math.min(MOST_MS, pause * 1.5)) {
    const state = await ask();
    show(state);
    if (hasEnded(state)) return state;
    await wait(pause);
  }
}
