declare namespace Cloudflare {
  /** Bindings of tests/workerd/wrangler.toml. */
  interface Env {
    CATALOG: D1Database;
    DB_SHOP: D1Database;
    DB_BLOG: D1Database;
    BUCKET: R2Bucket;
    SCRATCH: DurableObjectNamespace;
    EXPORTS: Queue;
    MIGRATIONS: { name: string; queries: string[] }[];
  }
}
