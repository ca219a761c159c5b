import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { gunzipSync as fflateGunzip } from "fflate";
import { expect, test } from "vitest";
import { gzipMember, gzipMemberLength } from "./gzip-member.ts";

const sizes = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 65_500, max: 65_600 }), fc.nat(200_000));

test("gzipMember() is read by others, and is as long as was calculated", () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const content = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7) % 251));
      const member = gzipMember(content);
      expect(member.length).toBe(gzipMemberLength(size));
      expect(gunzipSync(member).equals(content)).toBe(true);
      expect(Buffer.from(fflateGunzip(member)).equals(content)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test("gzipMember() of nothing is a member too", () => {
  expect(gunzipSync(gzipMember(new Uint8Array())).length).toBe(0);
});
