import { PatinaError } from "@patina/core/error";

/** What must never be shown of a channel. */
export interface ChannelSecret {
  readonly url: string;
  /** Of a generic webhook: the key its messages are signed with, `whsec_...`. */
  readonly signingKey: string | null;
}

/** First byte of what is stored: how the rest is to be read. */
const VERSION = 1;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;

/**
 * Encrypts a channel's secret with AES-256-GCM. The channel's id is authenticated with it, so that a row moved to another
 * channel cannot be read there.
 *
 * @param key the secret ALERT_KEY: 32 bytes as base64
 * @returns version, nonce, ciphertext with its tag
 * @throws {PatinaError} `alert_key_missing` when ALERT_KEY is missing or no key
 */
export async function seal(
  secret: ChannelSecret,
  { channel, key }: { channel: string; key: string | undefined },
): Promise<Uint8Array> {
  const imported = await importKey(key, "encrypt");
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = new TextEncoder().encode(JSON.stringify([secret.url, secret.signingKey]));
  const encrypted = new Uint8Array(await crypto.subtle.encrypt(algorithm(channel, nonce), imported, text));
  return Uint8Array.of(VERSION, ...nonce, ...encrypted);
}

/**
 * Decrypts what seal() gave.
 *
 * @returns null when this key did not encrypt it for this channel
 * @throws {PatinaError} `alert_key_missing` when ALERT_KEY is missing or no key
 */
export async function unseal(
  sealed: Uint8Array,
  { channel, key }: { channel: string; key: string | undefined },
): Promise<ChannelSecret | null> {
  const imported = await importKey(key, "decrypt");
  if (sealed[0] !== VERSION || sealed.length <= 1 + NONCE_BYTES) return null;
  const nonce = sealed.slice(1, 1 + NONCE_BYTES);
  try {
    const text = await crypto.subtle.decrypt(algorithm(channel, nonce), imported, sealed.slice(1 + NONCE_BYTES));
    const [url, signingKey]: [string, string | null] = JSON.parse(new TextDecoder().decode(text));
    return { url, signingKey };
  } catch {
    // WebCrypto says of every failure only that there was one.
    return null;
  }
}

function algorithm(channel: string, nonce: Uint8Array) {
  return { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(`patina channel ${channel}`) };
}

async function importKey(key: string | undefined, usage: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const bytes = keyBytes(key ?? "");
  if (bytes === null) {
    throw new PatinaError(
      "alert_key_missing",
      `Cannot keep the address of a channel: the aggregator's secret ALERT_KEY is ${key === undefined ? "not set" : `not ${KEY_BYTES} bytes of base64`}`,
    );
  }
  return await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, [usage]);
}

/** Whether a secret can encrypt. */
export function isAlertKey(secret: string | undefined): boolean {
  return keyBytes(secret ?? "") !== null;
}

function keyBytes(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0));
    return bytes.length === KEY_BYTES ? bytes : null;
  } catch {
    return null;
  }
}
