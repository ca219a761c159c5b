import type { ErrorCode } from "@patina/core/error";

/**
 * What the dispatcher asks the aggregator for about channels: its entrypoint `Channels`, over a service binding. Only the
 * aggregator has ALERT_KEY, so the Worker that faces the internet can have an address encrypted but can read none back.
 * Failures are answers: an error that crosses a service binding loses its code.
 */
export interface Channels {
  seal(address: NewAddress): Promise<SealAnswer>;
  /** Sends a test message now, to a channel that may be switched off. */
  sendTest(test: ChannelTest): Promise<TestAnswer>;
  /** Whether the aggregator has a key to encrypt addresses with. */
  hasAlertKey(): Promise<boolean>;
  /** Where alerts link to. */
  home(): Promise<Home>;
}

/** Where the dispatcher is reached, as the aggregator's `PUBLIC_URL` says; `url` has no slash at its end. */
export type Home =
  | { readonly is: "unset" }
  | { readonly is: "unusable" }
  | { readonly is: "set"; readonly url: string };

export interface NewAddress {
  readonly channel: string;
  readonly kind: "discord" | "slack" | "webhook" | "ping";
  readonly url: string;
}

export type SealAnswer =
  | {
      readonly end: "sealed";
      readonly sealed: Uint8Array;
      /** The host of the address, which may be shown. */
      readonly host: string;
      /** Of a generic webhook: the key that its messages are signed with from now on. It is shown this once. */
      readonly signingKey: string | null;
    }
  | { readonly end: "refused"; readonly code: ErrorCode; readonly message: string };

export interface ChannelTest {
  readonly channel: string;
  readonly actor: { readonly name: string; readonly request: string | null };
}

export type TestAnswer =
  | { readonly end: "sent" }
  | { readonly end: "failed"; readonly reason: string }
  | { readonly end: "unknown" };
