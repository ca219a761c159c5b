import type { Home } from "@patina/worker/channels";

/** Reads `PUBLIC_URL`. An address of another kind than http is none: Discord takes no message that links to one. */
export function homeOf(publicUrl: string | undefined): Home {
  if (publicUrl === undefined || publicUrl === "") return { is: "unset" };
  const url = URL.parse(publicUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) return { is: "unusable" };
  return { is: "set", url: (url.origin + url.pathname).replace(/\/+$/, "") };
}
