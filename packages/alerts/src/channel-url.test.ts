import { PatinaError } from "@patina/core/error";
import fc from "fast-check";
import { expect, test } from "vitest";
import { checkChannelUrl } from "./channel-url.ts";

const PRODUCTION = { kind: "webhook", environment: "production" } as const;

function refusal(text: string, options: Parameters<typeof checkChannelUrl>[1] = PRODUCTION): string | null {
  try {
    checkChannelUrl(text, options);
    return null;
  } catch (error) {
    if (error instanceof PatinaError && error.code === "invalid_request") return error.message;
    throw error;
  }
}

test.each([
  "https://hooks.example.com/services/T0/B0/x",
  "https://8.8.8.8/hook",
  "https://[2606:4700:4700::1111]/hook",
  "https://example.com:443/hook?token=1",
  "https://xn--bcher-kva.example.com/",
])("%s is taken", (url) => {
  expect(refusal(url)).toBeNull();
});

test.each([
  ["http, also of a public name", "http://hooks.example.com/"],
  ["a file", "file:///etc/passwd"],
  ["a script", "javascript:alert(1)"],
  ["data", "data:text/plain,x"],
  ["ftp", "ftp://example.com/"],
  ["nothing", ""],
  ["no address", "hooks.example.com"],
  ["a user", "https://user@hooks.example.com/"],
  ["a user that looks like a host", "https://hooks.example.com@10.0.0.1/"],
  ["a password", "https://:secret@hooks.example.com/"],
  ["another port", "https://hooks.example.com:22/"],
  ["the port of http", "https://hooks.example.com:80/"],
  ["localhost", "https://localhost/"],
  ["localhost with a dot", "https://localhost./"],
  ["a name below localhost", "https://x.localhost/"],
  ["a name without a dot", "https://metadata/"],
  [".internal", "https://metadata.google.internal/"],
  [".local", "https://printer.local/"],
  [".home.arpa", "https://router.home.arpa/"],
  ["an empty label", "https://example..com/"],
  ["loopback", "https://127.0.0.1/"],
  ["loopback, short", "https://127.1/"],
  ["loopback, hexadecimal", "https://0x7f.1/"],
  ["loopback, octal", "https://0177.0.0.1/"],
  ["loopback, one number", "https://2130706433/"],
  ["loopback, full-width digits", "https://１２７.0.0.1/"],
  ["loopback, circled digits", "https://①②⑦.0.0.1/"],
  ["loopback, encoded", "https://%31%32%37.0.0.1/"],
  ["this network", "https://0.0.0.0/"],
  ["10/8", "https://10.1.2.3/"],
  ["172.16/12", "https://172.31.255.255/"],
  ["192.168/16", "https://192.168.0.1/"],
  ["100.64/10", "https://100.64.0.1/"],
  ["cloud metadata", "https://169.254.169.254/"],
  ["multicast", "https://224.0.0.1/"],
  ["broadcast", "https://255.255.255.255/"],
  ["reserved", "https://240.0.0.1/"],
  ["documentation", "https://192.0.2.1/"],
  ["IPv6 loopback", "https://[::1]/"],
  ["IPv6 unspecified", "https://[::]/"],
  ["IPv6 unique local", "https://[fd00::1]/"],
  ["IPv6 link local", "https://[fe80::1]/"],
  ["IPv6 multicast", "https://[ff02::1]/"],
  ["IPv4 in IPv6", "https://[::ffff:10.0.0.1]/"],
  ["IPv4 in IPv6, hexadecimal", "https://[::ffff:a00:1]/"],
  ["IPv4 in NAT64", "https://[64:ff9b::10.0.0.1]/"],
  ["IPv4 in 6to4", "https://[2002:a00:1::]/"],
  ["IPv4 compatible", "https://[::10.0.0.1]/"],
  ["without end", `https://example.com/${"x".repeat(3_000)}`],
])("an address that is %s is refused, without repeating it", (_, url) => {
  const message = refusal(url);
  expect(message, url).toMatch(/^Cannot use the channel's address: it /);
  if (url.length > 12) expect(message).not.toContain(url.slice(8, 16));
});

test("every IPv4 address outside the public ranges is refused in every notation", () => {
  const secondOf: Record<number, [number, number]> = {
    172: [16, 31],
    192: [168, 168],
    169: [254, 254],
    100: [64, 127],
  };
  const octet = fc.nat(255);
  const address = fc.tuple(fc.constantFrom(0, 10, 127, 172, 192, 169, 100), octet, octet, octet).map(([a, b, c, d]) => {
    const [low, high] = secondOf[a] ?? [0, 255];
    return [a, low + (b % (high - low + 1)), c, d] as const;
  });
  fc.assert(
    fc.property(address, ([a, b, c, d]) => {
      const number = ((a * 256 + b) * 256 + c) * 256 + d;
      const hex = (n: number) => `0x${n.toString(16)}`;
      const low = c * 256 + d;
      for (const host of [
        `${a}.${b}.${c}.${d}`,
        `${number}`,
        hex(number),
        `${a}.${b}.${low}`,
        [a, b, c, d].map(hex).join("."),
        [a, b, c, d].map((n) => `0${n.toString(8)}`).join("."),
        `[::ffff:${a}.${b}.${c}.${d}]`,
      ]) {
        expect(refusal(`https://${host}/`), host).not.toBeNull();
      }
    }),
    { numRuns: 200 },
  );
});

test("a Discord channel's address is one of Discord's", () => {
  const options = { kind: "discord", environment: "production" } as const;
  expect(refusal("https://discord.com/api/webhooks/1/x", options)).toBeNull();
  for (const host of ["discord.com.example.com", "notdiscord.com", "8.8.8.8"]) {
    expect(refusal(`https://${host}/api/webhooks/1/x`, options)).toContain("not one of Discord's");
  }
});

test("only the local run may send to this machine, and only by that one address", () => {
  const local = { kind: "webhook", environment: "local" } as const;
  expect(refusal("http://127.0.0.1:8080/", local)).toBeNull();
  for (const url of ["http://localhost:8080/", "http://10.0.0.1/", "https://10.0.0.1/", "http://[::1]/"]) {
    expect(refusal(url, local), url).not.toBeNull();
  }
});
