/** Version of Patina: of its Workers, its command and its API. */
export const VERSION = "0.1.0";
