/** A Worker may wait for six answers at once (developers.cloudflare.com/workers/platform/limits); one is left for others. */
const AT_ONCE = 5;

/** Does something for each item, a few at a time; the results in the order of the items. The first failure ends it. */
export async function inTurn<Item, Result>(
  items: readonly Item[],
  act: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const waiting = items.entries();
  async function work(): Promise<void> {
    for (const [i, item] of waiting) results[i] = await act(item, i);
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, work));
  return results;
}
