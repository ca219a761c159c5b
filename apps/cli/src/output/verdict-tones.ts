import type { Verdict } from "@patina/core/drill";
import type { Tone } from "./print.ts";

export const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = {
  passed: "good",
  flawed: "warn",
  unprovable: "warn",
  failed: "bad",
};
