import { expect, test } from "vitest";
import { homeOf } from "./home.ts";

test.each([
  ["https://patina.example", "https://patina.example"],
  ["https://patina.example/", "https://patina.example"],
  ["http://127.0.0.1:8787", "http://127.0.0.1:8787"],
  ["https://example.com/backups//", "https://example.com/backups"],
  ["https://ann:s3cr3t@patina.example/?a=1#b", "https://patina.example"],
])("with PUBLIC_URL %s alerts link to below %s", (publicUrl, url) => {
  expect(homeOf(publicUrl)).toEqual({ is: "set", url });
});

test("without PUBLIC_URL they link to nothing, whether it is empty or not there", () => {
  expect([homeOf(""), homeOf(undefined)]).toEqual([{ is: "unset" }, { is: "unset" }]);
});

test.each(["patina.example", "patina.example:8787", "/dashboard", "javascript:alert(1)", " "])(
  "PUBLIC_URL %j is no address that a message could link to",
  (publicUrl) => {
    expect(homeOf(publicUrl)).toEqual({ is: "unusable" });
  },
);
