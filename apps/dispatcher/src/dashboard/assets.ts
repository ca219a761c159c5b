import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/**
 * The files that pages link to. Their names change with their content, so that a browser may keep them for good.
 */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><circle cx="10" cy="10" r="9" fill="#b4703d"/><path d="M3.6 16.4A9 9 0 1 1 18.8 8c-2.2-1.6-4.3-1.3-5.400.5-1.2 2-.6 3.7-2.8 4.3-1.800.5-2.6-.9-4.3-.2-1.500.6-1.6 2.5-2.7 3.800z" fill="#4f9f8c"/></svg>`;

export const STYLE_PATH = `/dashboard/assets/style-${nameOf(STYLE)}.css`;
export const SCRIPT_PATH = `/dashboard/assets/script-${nameOf(SCRIPT)}.js`;
export const ICON_PATH = `/dashboard/assets/icon-${nameOf(ICON)}.svg`;

const ASSETS = new Map([
  [STYLE_PATH, { type: "text/css; charset=utf-8", text: STYLE }],
  [SCRIPT_PATH, { type: "text/javascript; charset=utf-8", text: SCRIPT }],
  [ICON_PATH, { type: "image/svg+xml", text: ICON }],
]);

/** The answer to a request for one of the files; null for any other path. */
export function asset(path: string): Response | null {
  const found = ASSETS.get(path);
  if (found === undefined) return null;
  const headers = { "content-type": found.type, "cache-control": "public, max-age=31536000, immutable" };
  return new Response(found.text, { headers });
}

/** FNV-1a of a text: a name for a version, not a digest that anything is proven with. */
function nameOf(text: string): string {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return (state >>> 0).toString(16).padStart(8, "0");
}
