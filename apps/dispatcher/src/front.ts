import { createApp } from "./api/app.ts";
import { createDashboard, type Dashboard } from "./dashboard/app.tsx";

/** The front door: the dashboard below `/dashboard`, where a browser that asks for `/` is sent; the admin API elsewhere. */
export function createFront() {
  const api = createApp();
  const dashboard = createDashboard(api);
  return {
    async fetch(request: Request, bindings: Dashboard["Bindings"], ctx?: ExecutionContext): Promise<Response> {
      const { pathname } = new URL(request.url);
      if (pathname === "/dashboard" || pathname.startsWith("/dashboard/")) {
        return await dashboard.fetch(request, bindings, ctx);
      }
      if (pathname === "/" && isBrowser(request)) {
        return new Response(null, { status: 303, headers: { location: "/dashboard", vary: "accept" } });
      }
      return await api.fetch(request, bindings, ctx);
    },
  };
}

/** Whoever asks for a page by name; curl and other programs accept anything, and get the API. */
function isBrowser(request: Request): boolean {
  const wantsPage = request.headers.get("accept")?.includes("text/html") ?? false;
  return wantsPage && request.method === "GET";
}
