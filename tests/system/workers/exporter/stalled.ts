import exporter, { Preflights } from "@patina/exporter/worker";

export { Preflights };

type Bindings = Parameters<typeof exporter.queue>[1] & { readonly GATE: string };

/** The exporter, but that every query of a source database first asks the test's gate whether it may go on. */
export default {
  ...exporter,
  async queue(batch, env) {
    const stalled = Object.entries(env).map(([name, binding]) => {
      if (!name.startsWith("DB_")) return [name, binding];
      const database = binding as unknown as D1Database;
      const gated = {
        prepare: (sql: string) => database.prepare(sql),
        async batch(statements: D1PreparedStatement[]) {
          await fetch(env.GATE);
          return await database.batch(statements);
        },
      };
      return [name, gated];
    });
    await exporter.queue(batch, Object.fromEntries(stalled));
  },
} satisfies ExportedHandler<Bindings>;
