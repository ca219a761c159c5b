/**
 * Signatures as Standard Webhooks has them (standardwebhooks.com, specification 1.0): receivers have libraries for it in
 * every language.
 */

const PREFIX = "whsec_";

/** Bytes of a new signing key; the specification asks for 24 to 64. */
const KEY_BYTES = 32;

/** A new signing key, as people copy it: `whsec_` and base64. */
export function newSigningKey(random: (bytes: Uint8Array<ArrayBuffer>) => void): string {
  const bytes = new Uint8Array(KEY_BYTES);
  random(bytes);
  return `${PREFIX}${base64(bytes)}`;
}

/** Says whether a text can be used as a signing key: `whsec_` and the base64 of 24 to 64 bytes. */
export function isSigningKey(text: string): boolean {
  try {
    const { length } = keyBytes(text);
    return text.startsWith(PREFIX) && length >= 24 && length <= 64;
  } catch {
    return false;
  }
}

/**
 * The three headers that prove a message's origin: HMAC-SHA256 over `id.timestamp.body`. A receiver refuses a timestamp
 * that is minutes old, so that a recorded message cannot be played to it again.
 *
 * @param key `whsec_...`
 * @param at when it is sent, in milliseconds
 */
export async function signatureHeaders(
  message: { readonly id: string; readonly body: string },
  { key, at }: { key: string; at: number },
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1_000));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", keyBytes(key), algorithm, false, ["sign"]);
  const signed = new TextEncoder().encode(`${message.id}.${timestamp}.${message.body}`);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", imported, signed));
  return {
    "webhook-id": message.id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,${base64(signature)}`,
  };
}

function keyBytes(key: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(key.slice(PREFIX.length)), (character) => character.charCodeAt(0));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
