/** The order in which Workers are deployed: whoever is called or sent to before whoever calls or sends. */
export const WORKERS = ["aggregator", "archiver", "exporter", "dispatcher"] as const;
export type WorkerName = (typeof WORKERS)[number];
