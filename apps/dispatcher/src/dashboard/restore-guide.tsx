import type { Block } from "../restore-guide/block.ts";
import { type Frame, Page } from "./page.tsx";

interface RestoreGuideFacts {
  readonly frame: Frame;
  readonly name: string;
  readonly blocks: readonly Block[];
}

/** How to get one database back, with its own names, dates and commands. */
export function RestoreGuidePage({ frame, name, blocks }: RestoreGuideFacts) {
  return (
    <Page title={`Restore ${name}`} frame={frame} section="fleet">
      <p class="crumb">
        <a href="/dashboard">Fleet</a> /{" "}
        <a class="mono" href={`/dashboard/databases/${name}`}>
          {name}
        </a>{" "}
        / Restore
      </p>
      <article class="guide">
        {blocks.map((block) => (
          <Part block={block} />
        ))}
      </article>
    </Page>
  );
}

function Part({ block }: { block: Block }) {
  switch (block.is) {
    case "heading":
      return block.level === 1 ? <h1>{block.text}</h1> : <h2>{block.text}</h2>;
    case "text":
      return <p>{block.text}</p>;
    case "code":
      return (
        <div class="copy">
          <pre data-copy="" tabindex={0}>
            {block.lines.join("\n")}
          </pre>
        </div>
      );
    case "table":
      return (
        <section class="panel scroll" aria-label={block.head.join(", ")} tabindex={0}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell) => (
                  <th scope="col">{cell}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row) => (
                <tr>
                  {row.map((cell) => (
                    <td>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      );
  }
}
