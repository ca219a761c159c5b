/** What came of what somebody has just done: said once, on the page that answers. */
export interface Said {
  readonly tone: "good" | "bad";
  readonly text: string;
  /** What is shown this once. */
  readonly signingKey?: string;
}

export function SaidBox({ tone, text, signingKey }: Said) {
  return (
    <div class={`notice ${tone}`} role="status">
      <p class="wrap">{text}</p>
      {signingKey !== undefined && (
        <>
          <p>Its messages are signed with this key, which is shown this once:</p>
          <div class="copy">
            <pre data-copy="">{signingKey}</pre>
          </div>
        </>
      )}
    </div>
  );
}
