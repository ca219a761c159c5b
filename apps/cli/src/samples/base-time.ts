/** The moment at which all samples stand still; everything in them happened before it, or is due after it. */
export const BASE_TIME = Date.parse("2026-11-01T00:00:00Z");
