import * as v from "valibot";
import { docsPage } from "../docs-page.ts";
import { type Document, documentOf } from "../openapi.ts";
import { mediaOperation, type Operation, operation } from "../operation.ts";

/** The API's description of itself. */
export function documents(operations: () => readonly Operation[]): Operation[] {
  let made: Document | undefined;
  const document = () => {
    made ??= documentOf(operations());
    return made;
  };
  return [
    operation({
      method: "GET",
      path: "/openapi.json",
      tag: "Service",
      summary: "This API as an OpenAPI 3.1 document",
      answer: v.looseObject({ openapi: v.literal("3.1.0") }),
      async handle() {
        return { ...document() };
      },
    }),
    mediaOperation({
      method: "GET",
      path: "/docs",
      tag: "Service",
      summary: "This API as a page to read",
      types: ["text/html"],
      async handle(c) {
        const nonce = crypto.randomUUID();
        c.header("content-security-policy", `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'`);
        return c.html(docsPage(document(), nonce));
      },
    }),
  ];
}
