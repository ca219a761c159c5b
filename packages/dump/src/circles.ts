/**
 * Tarjan's strongly connected components of a graph given as lists of neighbours: the nodes of a circle together,
 * every other node alone, each component after those it points at.
 */
export function components(neighbours: readonly (readonly number[])[]): number[][] {
  const search = new Search(neighbours);
  for (const root of neighbours.keys()) search.from(root);
  return search.found;
}

interface Step {
  readonly node: number;
  next: number;
}

/** Depth first with a path of its own: a chain of ten thousand nodes must not overflow the call stack. */
class Search {
  readonly found: number[][] = [];
  readonly #neighbours: readonly (readonly number[])[];
  readonly #order = new Map<number, number>();
  /** The earliest node of the path that each open node leads back to. */
  readonly #low = new Map<number, number>();
  /** Nodes whose component is not yet complete. */
  readonly #open: number[] = [];
  readonly #isOpen = new Set<number>();

  constructor(neighbours: readonly (readonly number[])[]) {
    this.#neighbours = neighbours;
  }

  from(root: number): void {
    if (this.#order.has(root)) return;
    const path = [this.#enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const neighbour = this.#neighbours[top.node]?.[top.next];
      top.next += 1;
      if (neighbour === undefined) this.#leave(path);
      else if (!this.#order.has(neighbour)) path.push(this.#enter(neighbour));
      else if (this.#isOpen.has(neighbour)) this.#lower(top.node, this.#order.get(neighbour));
    }
  }

  #enter(node: number): Step {
    this.#low.set(node, this.#order.size);
    this.#order.set(node, this.#order.size);
    this.#open.push(node);
    this.#isOpen.add(node);
    return { node, next: 0 };
  }

  #leave(path: Step[]): void {
    const left = path.pop();
    if (left === undefined) return;
    const above = path.at(-1);
    if (above !== undefined) this.#lower(above.node, this.#low.get(left.node));
    if (this.#low.get(left.node) !== this.#order.get(left.node)) return;
    const component = this.#open.splice(this.#open.indexOf(left.node));
    for (const node of component) this.#isOpen.delete(node);
    this.found.push(component);
  }

  #lower(node: number, value = Number.POSITIVE_INFINITY): void {
    this.#low.set(node, Math.min(this.#low.get(node) ?? value, value));
  }
}
