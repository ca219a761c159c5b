import { expect, test } from "vitest";
import { choose, some } from "./choice.ts";

const NAMES = ["shop", "shop-eu", "blog"];

test("a name means itself, also where others begin so, and the beginning of one name means that one", () => {
  const chosen = ["shop", "blog", "b", "shop-"].map((typed) => choose(typed, { names: NAMES, thing: "database" }));
  expect(chosen).toEqual(["shop", "blog", "blog", "shop-eu"]);
});

test.each([
  ["sh", 2, 'Cannot tell which database "sh" is: 2 begin so', "shop, shop-eu."],
  ["cart", 10, 'Cannot find database "cart": none has that name', "One of shop, shop-eu, blog."],
  ["", 10, 'Cannot find database "": none has that name', "One of shop, shop-eu, blog."],
])('"%s" is refused with what there is', (typed, exit, message, hint) => {
  expect(() => choose(typed, { names: NAMES, thing: "database" })).toThrow(
    expect.objectContaining({ exit, message, hint }),
  );
});

test("of many names some are told, and how many there are besides", () => {
  expect(some(Array.from({ length: 12 }, (_, i) => `d${i}`))).toBe(
    "d0, d1, d2, d3, d4, d5, d6, d7, d8, d9 and 2 more.",
  );
  expect(() => choose("x", { names: [], thing: "channel" })).toThrow(
    expect.objectContaining({ hint: "There is no channel at all." }),
  );
});
