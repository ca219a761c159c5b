/** When a call to a binding fails: the `at`-th of all calls (from 1), before or after it was carried out. */
export interface FaultPlan {
  readonly at: number;
  readonly when: "before" | "after";
  /** Once, or every call from that one on. */
  readonly lasting: "once" | "for ever";
}

/** Counts calls to bindings and makes the planned one fail. */
export class Faults {
  calls = 0;
  /** Statements that D1 was given, each of those of a batch counted. */
  statements = 0;
  readonly #plan: FaultPlan | null;

  constructor(plan: FaultPlan | null) {
    this.#plan = plan;
  }

  /** Whether the run went far enough for the fault to strike. */
  get struck(): boolean {
    return this.#plan !== null && this.calls >= this.#plan.at;
  }

  async call<T>(name: string, act: () => Promise<T>): Promise<T> {
    this.calls += 1;
    const strikes = this.#strikes();
    if (strikes && this.#plan?.when === "before") throw new Error(`Network connection lost (injected before ${name})`);
    const result = await act();
    if (strikes) throw new Error(`Network connection lost (injected after ${name})`);
    return result;
  }

  #strikes(): boolean {
    if (this.#plan === null) return false;
    return this.#plan.lasting === "once" ? this.calls === this.#plan.at : this.calls >= this.#plan.at;
  }
}

/** A D1 binding whose calls go through faults. */
export function faultyDatabase(database: D1Database, faults: Faults): D1Database {
  const originals = new WeakMap<object, D1PreparedStatement>();
  const ask = <T>(name: string, act: () => Promise<T>, statements = 1) => {
    faults.statements += statements;
    return faults.call(name, act);
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => ask("D1 all", () => statement.all()),
      run: () => ask("D1 run", () => statement.run()),
      raw: (options: { columnNames: true }) => ask("D1 raw", () => statement.raw(options)),
      first: (column: string) => ask("D1 first", () => statement.first(column)),
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };
  return {
    prepare: (sql: string) => wrap(database.prepare(sql)),
    batch: (statements: D1PreparedStatement[]) =>
      ask("D1 batch", () => database.batch(statements.map((one) => originals.get(one) ?? one)), statements.length),
    withSession(constraint: string) {
      const session = database.withSession(constraint);
      return { prepare: (sql: string) => wrap(session.prepare(sql)), getBookmark: () => session.getBookmark() };
    },
  } as unknown as D1Database;
}

/** Any other binding whose methods are asynchronous (R2, a queue): each call of one goes through faults. */
export function faultyBinding<T extends object>(binding: T, faults: Faults): T {
  return new Proxy(binding, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      // The one method that answers at once.
      if (key === "resumeMultipartUpload") {
        return (...args: unknown[]) => wrapResult(value.apply(target, args), faults);
      }
      return (...args: unknown[]) =>
        faults.call(String(key), async () => wrapResult(await value.apply(target, args), faults));
    },
  });
}

/** A namespace of Durable Objects: each call to one of them goes through faults. */
export function faultyNamespace<T extends { getByName(name: string): object }>(namespace: T, faults: Faults): T {
  const methodsOf = (stub: object) => stub as Record<string, (...args: unknown[]) => Promise<unknown>>;
  return {
    getByName(name: string) {
      return new Proxy(methodsOf(namespace.getByName(name)), {
        // Called on the stub itself: a method of it taken by itself would be a call of its own.
        get:
          (stub, key) =>
          (...args: unknown[]) =>
            faults.call(`Durable Object ${String(key)}`, async () => await stub[String(key)]?.(...args)),
      });
    },
  } as unknown as T;
}

/** A multipart upload is a binding of its own. */
function wrapResult(result: unknown, faults: Faults): unknown {
  const isUpload = typeof result === "object" && result !== null && "uploadPart" in result;
  return isUpload ? faultyBinding(result, faults) : result;
}
